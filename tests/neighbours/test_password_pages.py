"""A password on a page of another package logs in there, and proves nothing to the OTP admin."""

from __future__ import annotations

from typing import Any

import pytest

from tests.neighbours.running import run

pytestmark = [
    pytest.mark.requirement("R51"),
    pytest.mark.neighbour("django-allauth", "djangorestframework"),
]

PAGES = ["/accounts/login/", "/api/login/", "/plain/login/"]


@pytest.fixture(scope="module")
def found(shared_redis: Any) -> Any:
    """What was seen on the site."""
    pytest.importorskip("allauth")
    pytest.importorskip("rest_framework")
    return run("password_pages")


@pytest.mark.parametrize("page", PAGES)
def test_a_password_alone(found: Any, page: str) -> None:
    """The OTP admin asks for both factors then, and lets in who shows them."""
    assert found[page] == {
        "logged in": True,
        "admin": 302,
        "login page": 200,
        "codes made": 0,
        "half way": 302,
        "in the end": 200,
    }


def test_the_pages_are_reported(found: Any) -> None:
    """By W014, each with its URL; the OTP admin is not."""
    assert found["reported"] == sorted(PAGES)
