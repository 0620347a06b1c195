"""Who acts as another user, by django-loginas, -hijack or -impersonate, has shown nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest

from tests import ROOT

pytestmark = pytest.mark.requirement("R51")

PACKAGES = ["loginas", "hijack", "impersonate"]


def run(package: str) -> Any:
    """Run the site of this package in a process of its own: an app can't be added to this one."""
    if find_spec(package) is None:
        pytest.skip(f"django-{package} is not installed")
    command = [sys.executable, "-m", "tests.neighbours.impersonation", package]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("package", PACKAGES)
def test_an_impersonator_has_no_proof(package: str) -> None:
    """Neither recovery codes nor an app, nor the OTP admin; the other pages of the site, yes."""
    found = run(package)
    assert found["in"] == 200
    acting = found["as another"]
    assert acting["user"] == found["victim"]
    assert not acting["codes shown"]
    assert acting["codes made"] == 0
    assert (acting["admin"], acting["add"]) == (302, 302)
    assert acting["login page"] == 200, "neither a loop nor an empty page"


@pytest.mark.parametrize("package", PACKAGES)
def test_who_is_released_is_who_they_were(package: str) -> None:
    """A session that was logged in anew has shown nothing; one that was kept, what it had shown."""
    found = run(package)
    back = found["released"]
    assert back["user"] == found["boss"]
    kept = package == "impersonate"
    assert (back["admin"], back["codes shown"]) == ((200, True) if kept else (302, False))
    assert found["in again"] == 200
