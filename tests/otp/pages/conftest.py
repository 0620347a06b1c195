"""What tests of the pages share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def redis_away(settings: Any, tmp_path: Any) -> Callable[[], None]:
    """Call it, and from then on there is no Redis."""

    def leave() -> None:
        location = f"unix://{tmp_path}/no-server"
        settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": location}}

    return leave
