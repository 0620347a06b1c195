"""What the pages say when a limit is reached: nothing about other people's tries (R49)."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from django.test import Client

from swap_user.models import WrongGuess
from tests.otp.pages.login.helpers import (
    LOGOUT,
    NOBODY,
    RESEND,
    WRONG,
    code,
    complaints,
    enter,
    text,
    wrong,
)
from tests.otp.pages.login.helpers import ask as ask_for
from tests.support import configure, username

pytestmark = pytest.mark.django_db

WRONG_SHORT, WRONG_LONG = "12345678", "1234567890"
NETWORK = "Too many wrong codes came from your network. Ask for a new code, which will be longer"
HERE = "Too many wrong codes. Ask for a new one."

# A name with an account, and one without.
NUMBERS = [1, NOBODY]


def refusal(client: Client, otp: str) -> str:
    """Return what the page says about a code."""
    (said,) = complaints(enter(client, otp), "otp")
    return said


def spend(user: Any) -> None:
    """Let strangers use up the guesses at an account."""
    for _ in range(16):
        WrongGuess.objects.create(user=user, at=int(time.time()), units=4, is_known=False)


@pytest.mark.requirement("R49")
@pytest.mark.parametrize("number", NUMBERS)
def test_too_many_from_a_network(client: Client, settings: Any, number: int) -> None:
    """What works at once, without a date, whether or not there is an account."""
    configure(settings, OTP_LIMITS={"guesses_per_address": 2})
    ask_for(client, username(number))
    assert [WRONG in refusal(client, WRONG_SHORT) for _ in range(3)] == [True, True, False]
    said = refusal(client, WRONG_SHORT)
    assert NETWORK in said
    assert not re.search(r"\d", said)


def test_a_longer_code_works_then(client: Client, settings: Any, staff: Any) -> None:
    """As the page says, from the same network."""
    configure(settings, OTP_LIMITS={"guesses_per_address": 2})
    code(client)
    for _ in range(3):
        enter(client, WRONG_SHORT)
    longer = code(Client())
    assert len(longer) == 10
    other = Client()
    assert enter(other, code(other)).status_code == 302


@pytest.mark.requirement("R49")
@pytest.mark.parametrize("number", NUMBERS)
def test_too_many_long_codes_in_a_flow(client: Client, clock: Any, number: int) -> None:
    """The visitor's own; asking for a new code always helps."""
    ask_for(client, username(number))
    for _ in range(5):
        assert WRONG in refusal(client, WRONG_LONG)
    assert refusal(client, WRONG_LONG) == HERE
    clock.shift(31)
    client.post(RESEND)
    assert WRONG in refusal(client, WRONG_LONG)


def test_a_new_code_works_after_that(client: Client, clock: Any, staff: Any) -> None:
    """It has a counter of its own, with tries of its own."""
    spend(staff)
    first = code(client)
    for _ in range(6):
        enter(client, WRONG_LONG)
    assert refusal(client, first) == HERE
    clock.shift(31)
    second = code(client)
    assert second != first
    assert WRONG in refusal(client, first)
    assert enter(client, second).status_code == 302


@pytest.mark.requirement("R19", "R49")
def test_a_spent_account_is_not_mentioned(client: Client, staff: Any, clock: Any) -> None:
    """The page is that of any wrong code, and the next code is longer."""
    otp = code(client)
    usual = text(enter(client, wrong(otp)))
    spend(staff)
    assert _without_token(text(enter(client, otp))) == _without_token(usual)
    assert "ask for a new one, or use a recovery code" in usual
    other = Client()
    longer = code(other)
    assert len(longer) == 10
    assert enter(other, longer).status_code == 302


@pytest.mark.requirement("R19")
def test_a_known_browser_has_short_codes_still(staff: Any) -> None:
    """Whatever strangers have tried."""
    mine = Client()
    assert enter(mine, code(mine)).status_code == 302
    mine.post(LOGOUT)
    spend(staff)
    otp = code(mine)
    assert len(otp) == 6
    assert enter(mine, otp).status_code == 302


def _without_token(page: str) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page)
