"""What tests of the pages on sign-in methods share."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from swap_user.testing import log_in
from tests.support import make_user


@pytest.fixture
def user(client: Client) -> Any:
    """Staff without any permission, logged in."""
    user = make_user(is_staff=True)
    log_in(client, user)
    return user
