"""What tests of the pages on sign-in methods share."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from swap_user.testing import log_in
from tests.otp.pages.sites import ADMIN
from tests.support import make_user


@pytest.fixture(autouse=True)
def _each_site(site: str) -> None:
    """Every test here runs through both sites, unless it says otherwise."""


@pytest.fixture
def user(client: Client, site: str) -> Any:
    """A user without any permission, logged in. Only the admin needs staff."""
    user = make_user(is_staff=site == ADMIN)
    log_in(client, user)
    return user
