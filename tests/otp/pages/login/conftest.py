"""What tests of the login pages share."""

from __future__ import annotations

from typing import Any

import pytest

from tests.otp.pages.login.guarded import answers_with  # noqa: F401 - a fixture
from tests.support import use_policy


@pytest.fixture(autouse=True)
def _each_site(site: str) -> None:
    """Every test here runs through both sites, unless it says otherwise."""


@pytest.fixture(autouse=True)
def staff(staff: Any) -> Any:
    """A superuser, whom every test here can log in."""
    return staff


@pytest.fixture
def both(settings: Any) -> None:
    """A policy that asks for two factors."""
    use_policy(settings, "Both")
