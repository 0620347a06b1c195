"""What tests of changes share: two clients of one user, and what the owner is notified of."""

from __future__ import annotations

from typing import Any

import pytest

from swap_user.testing import outbox
from tests.api.clients import logged_in
from tests.api.conftest import sent_code
from tests.clock import Clock


@pytest.fixture
def member(clock: Clock, new_client: Any, user: Any) -> Any:
    """A client that has logged in, after which the outbox is empty."""
    member = logged_in(new_client(), sent_code)
    outbox.clear()
    return member


@pytest.fixture
def other(clock: Clock, member: Any, new_client: Any) -> Any:
    """Another client of the same user."""
    other = logged_in(new_client(), sent_code)
    outbox.clear()
    return other


def is_in(client: Any) -> bool:
    """Return whether a client is logged in."""
    return bool(client.get("session/").status_code == 200)


def events() -> list[str]:
    """Return what users were notified of."""
    return [str(each.kwargs.get("event")) for each in outbox.notices]
