"""Log in pressed again while the first answer is on its way, without a script to hold it back."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client

from swap_user.otp import send_code
from swap_user.testing import outbox
from tests.otp.pages.login.helpers import (
    CHECK,
    INDEX,
    LOGIN,
    RESEND,
    code,
    enter,
    logged_in,
    text,
)

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R6", "R35", "R53")]


def pressed_again(client: Client) -> tuple[Client, str]:
    """A browser that has thrown the first answer away: it has the old cookie, and the code."""
    otp = code(client)
    first = Client()
    first.cookies = client.cookies.copy()
    assert enter(first, otp)["Location"] == INDEX
    return client, otp


@pytest.mark.parametrize("address", [CHECK, RESEND])
def test_the_page_says_what_happened_and_how_to_go_on(client: Client, address: str) -> None:
    """The code is used and the old session has ended, so a new code is needed."""
    client, otp = pressed_again(client)
    response = client.post(address, {"otp": otp, "next": "/admin/?a"}, follow=True)
    assert response.redirect_chain == [(f"{LOGIN}?next=/admin/%3Fa", 302)]
    assert "has ended" in text(response)
    assert "already used" in text(response)
    assert "Ask for a new code" in text(response)
    assert not logged_in(client)
    assert enter(client, code(client)).status_code == 302


def test_it_is_said_to_anybody(client: Client) -> None:
    """Without a session, whatever is typed: the page tells nothing about codes or accounts."""
    answers = []
    for otp in ("123456", "x", ""):
        response = Client().post(CHECK, {"otp": otp}, follow=True)
        answers.append((response.redirect_chain, "already used" in text(response)))
    assert answers == [([(LOGIN, 302)], True)] * 3


def test_who_is_in_goes_on(client: Client) -> None:
    """The browser has kept the first answer's cookie: the second press leads where it should."""
    otp = code(client)
    enter(client, otp)
    for address in (CHECK, RESEND):
        response = client.post(address, {"otp": otp, "next": "/admin/?a"}, follow=True)
        assert response.redirect_chain[-1] == ("/admin/?a", 302)
        assert "has ended" not in text(response)


@pytest.mark.parametrize("every_request", [True, False])
def test_the_session_ends_while_the_page_is_made(
    client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch, every_request: bool
) -> None:
    """The first press has logged in meanwhile: a page as above, and no error."""
    settings.SESSION_SAVE_EVERY_REQUEST = every_request
    code(client)
    key = client.session.session_key
    before = len(outbox)

    def ends_it(request: Any, username: str, **kwargs: Any) -> None:
        SessionStore(key).delete()
        send_code(request, username, **kwargs)

    monkeypatch.setattr("swap_user.otp.pages.login.views.send_code", ends_it)
    session = client.session
    session["_swap_user_code_request"]["sent_at"] -= 60
    session.save()
    response = client.post(RESEND, follow=True)
    assert response.status_code == 200
    assert response.redirect_chain[-1] == (LOGIN, 302)
    assert "has ended" in text(response)
    assert len(outbox) == before + 1
