"""What tests of the admin site's additions share."""

from __future__ import annotations

import pytest

from tests.otp.pages.methods.conftest import user
from tests.otp.pages.sites import ADMIN

__all__ = ["site", "user"]


@pytest.fixture
def site() -> str:
    """Tests here are about the admin."""
    return ADMIN
