"""Clients of the API: a page in a browser, and an app."""

from __future__ import annotations

from typing import Any

import pytest

from swap_user.testing import outbox
from tests.api.clients import AppClient, BrowserClient, logged_in

CLIENTS = {"browser": BrowserClient, "app": AppClient}


@pytest.fixture(params=[*CLIENTS])
def new_client(request: pytest.FixtureRequest) -> Any:
    """The class of clients: the test runs with each."""
    return CLIENTS[request.param]


@pytest.fixture
def api(new_client: Any) -> Any:
    """A client that has not logged in."""
    return new_client().start()


def sent_code() -> str:
    """Return the code of the last message."""
    return outbox[-1].otp


@pytest.fixture
def member(new_client: Any, user: Any) -> Any:
    """A client that has logged in with a sent code."""
    return logged_in(new_client(), sent_code)
