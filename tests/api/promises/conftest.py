"""What tests of promises share."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from swap_user.testing import outbox
from tests.support import use_policy, username

# What is random, or signed with the time, in every answer.
RANDOM = ("csrf_token", "flow", "session_token", "known_browser")


@pytest.fixture
def both(settings: Any) -> None:
    """A policy that asks for two factors."""
    use_policy(settings, "Both")


def look(response: Any, name: str = "") -> dict[str, Any]:
    """Return all that a visitor gets to see of an answer, without what is random."""
    body = response.content.decode().replace(name or username(), "NAME")
    for member in RANDOM:
        body = re.sub(rf'("{member}": ")[^"]+', r"\1", body)
    cookies = {
        key: {attribute: value for attribute, value in morsel.items() if attribute != "expires"}
        for key, morsel in response.cookies.items()
    }
    headers = dict(response.headers)
    for name in ("Content-Length", "Expires"):
        headers.pop(name, None)
    return {
        "status": response.status_code,
        "headers": headers,
        "cookies": cookies,
        "body": body,
    }


def from_address(new_client: Any, address: str) -> Any:
    """Return a client at an address, which has not logged in."""
    client = Client(enforce_csrf_checks=True, REMOTE_ADDR=address)
    return new_client(client=client).start()


def code(client: Any, name: str | None = None) -> str:
    """Ask for a code, and return it."""
    before = len(outbox)
    assert client.ask(name).status_code == 202
    assert len(outbox) == before + 1
    return outbox[-1].otp
