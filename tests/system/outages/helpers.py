"""The steps of a login, and what the pages show during an outage."""

from __future__ import annotations

from html import unescape
from typing import Any

from django.test import Client

from swap_user.testing import outbox
from tests.support import username

LOGIN, CHECK, RESEND = "/admin/login/", "/admin/check-otp/", "/admin/resend-otp/"
METHODS = "/admin/sign-in-methods/"
WORDS = "This is not possible right now. Please try again in a minute."


def begin(client: Client) -> str:
    """Take the first step on the pages, and return the code that was sent."""
    before = len(outbox)
    assert client.post(LOGIN, {"username": username()}).status_code == 302
    assert len(outbox) == before + 1
    return outbox[-1].otp


def finish(client: Client, otp: str) -> Any:
    """Take the second."""
    return client.post(CHECK, {"otp": otp})


def logged_in(client: Client) -> bool:
    """Say whether the index can be seen."""
    return client.get("/admin/").status_code == 200


def assert_unavailable(response: Any) -> None:
    """A page with words, status 503 and a word to machines when to come back; kept nowhere."""
    assert response.status_code == 503
    assert WORDS in " ".join(unescape(response.content.decode()).split())
    assert int(response["Retry-After"]) > 0
    assert "no-store" in response["Cache-Control"]
