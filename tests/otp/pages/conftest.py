"""What tests of the pages share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.otp.pages.sites import ADMIN, OWN


@pytest.fixture(params=[ADMIN, OWN])
def site(request: pytest.FixtureRequest, settings: Any) -> str:
    """Both sites that show the pages: the admin, and a site with pages of its own."""
    if request.param == OWN:
        settings.ROOT_URLCONF = "tests.otp.pages.own_urls"
        settings.LOGIN_URL = "swap_user:login"
        settings.LOGIN_REDIRECT_URL = "home"
    return str(request.param)


@pytest.fixture
def redis_away(settings: Any, tmp_path: Any) -> Callable[[], None]:
    """Call it, and from then on there is no Redis."""

    def leave() -> None:
        location = f"unix://{tmp_path}/no-server"
        settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": location}}

    return leave
