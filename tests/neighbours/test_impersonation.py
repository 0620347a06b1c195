"""Who acts as another user, by django-loginas, -hijack or -impersonate, has shown nothing."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

from tests.neighbours.running import run

pytestmark = pytest.mark.requirement("R51")


PACKAGES = [
    pytest.param("loginas", marks=pytest.mark.neighbour("django-loginas")),
    pytest.param("hijack", marks=pytest.mark.neighbour("django-hijack")),
    pytest.param("impersonate", marks=pytest.mark.neighbour("django-impersonate")),
]


@pytest.fixture(scope="module", params=PACKAGES)
def package(request: pytest.FixtureRequest) -> str:
    """Each package."""
    if find_spec(request.param) is None:
        pytest.skip(f"django-{request.param} is not installed")
    return str(request.param)


@pytest.fixture(scope="module")
def found(shared_redis: Any, package: str) -> Any:
    """What was seen on the site with this package."""
    return run("impersonation", package)


def test_an_impersonator_has_no_proof(found: Any) -> None:
    """Neither recovery codes nor an app, nor the OTP admin; the other pages of the site, yes."""
    assert found["in"] == 200
    acting = found["as another"]
    assert acting["user"] == found["victim"]
    assert not acting["codes shown"]
    assert acting["codes made"] == 0
    assert (acting["admin"], acting["add"]) == (302, 302)
    assert acting["login page"] == 200, "neither a loop nor an empty page"


def test_who_is_released_is_who_they_were(found: Any, package: str) -> None:
    """A session that was logged in anew has shown nothing; one that was kept, what it had shown."""
    back = found["released"]
    assert back["user"] == found["boss"]
    kept = package == "impersonate"
    assert (back["admin"], back["codes shown"]) == ((200, True) if kept else (302, False))
    assert found["in again"] == 200
