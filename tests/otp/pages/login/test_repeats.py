"""Asking for codes again: what is sent, when, and how the page counts down."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from swap_user.testing import outbox
from tests.otp.pages.login.helpers import CHECK, NOBODY, RESEND, ask, code, enter, text, words
from tests.support import make_user, username

pytestmark = pytest.mark.django_db


def test_asking_twice_sends_once(client: Client, clock: Any) -> None:
    """A double click, or the back button: the code that was sent is still good."""
    otp = code(client)
    clock.shift(29)
    response = ask(client)
    assert (response.status_code, response["Location"]) == (302, CHECK)
    assert len(outbox) == 1
    assert enter(client, otp).status_code == 302


def test_asking_again_later_sends_again(client: Client, clock: Any) -> None:
    """After the resend interval a new code is sent."""
    code(client)
    clock.shift(31)
    code(client)


def test_asking_for_another_account_sends(client: Client) -> None:
    """The resend interval of one account does not hold up another."""
    make_user(5, is_staff=True)
    code(client)
    code(client, username(5))


@pytest.mark.parametrize("number", [1, NOBODY])
def test_resend_too_early_says_when_to_come_back(client: Client, clock: Any, number: int) -> None:
    """Whether the account exists or not."""
    ask(client, username(number))
    sent = len(outbox)
    clock.shift(10)
    response = client.post(RESEND, follow=True)
    assert response.redirect_chain == [(CHECK, 302)]
    assert "You can ask for another code in 20 seconds." in text(response)
    assert len(outbox) == sent
    clock.shift(19)
    assert "in 1 second." in text(client.post(RESEND, follow=True))
    clock.shift(1)
    assert "A new message is on its way." in text(client.post(RESEND, follow=True))


def test_nobody_waits_longer_than_the_code_lives(client: Client, clock: Any, settings: Any) -> None:
    """The wait ends at the latest when the code expires."""
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_TIMEOUT": 10}
    code(client)
    clock.shift(10)
    client.post(RESEND)
    assert len(outbox) == 2


def test_clock_set_back(client: Client, clock: Any) -> None:
    """The wait gets no longer than it was."""
    code(client)
    clock.shift(-3600)
    page = text(client.get(CHECK))
    assert 'data-otp-seconds="300"' in page
    assert 'data-otp-seconds="30"' in page


@pytest.mark.parametrize(
    ("passed", "life", "wait"),
    [
        (0, "expires in 5 minutes.", " in 30 seconds "),
        (29, "expires in 4 minutes.", " in 1 second "),
        (181, "expires in 119 seconds.", None),
        (240, "expires in 1 minute.", None),
        (299, "expires in 1 second.", None),
        (300, "has expired.", None),
    ],
)
def test_what_remains_in_words(
    client: Client, clock: Any, passed: int, life: str, wait: str | None
) -> None:
    """The page says how long the code is valid and when another one can be sent."""
    code(client)
    clock.shift(passed)
    page = client.get(CHECK)
    assert f" The code {life} " in words(page)
    resend = re.search(r"Send a new code( in \d+ seconds? )?", words(page))
    assert resend is not None
    assert resend[1] == wait
    assert f'data-otp-seconds="{300 - passed}"' in text(page)
