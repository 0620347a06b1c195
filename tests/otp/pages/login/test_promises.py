"""What is promised of guesses, messages and senders, through the pages of both sites."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from django.db.models import Sum
from django.test import Client

from swap_user.models import WrongGuess
from swap_user.otp.senders import AbstractOTPSender, AbstractSMSOTPSender
from swap_user.testing import outbox, wait_for_deliveries
from tests.otp.pages.login.helpers import (
    CHECK,
    LOGIN,
    LOGOUT,
    NOBODY,
    RESEND,
    WRONG,
    ask,
    code,
    enter,
    logged_in,
    text,
)
from tests.support import configure, username
from tests.work import seen

pytestmark = pytest.mark.django_db

BUDGET = 16
DAY = 86_400

# What could refill the budget of guesses, and does not.
REFILLS = ["a new code", "a login", "a month"]

texts: list[str] = []


class SMSSender(AbstractSMSOTPSender):
    """What a project writes."""

    def send_text(self, receiver: str, text: str) -> None:
        texts.append(text)


class BrokenSender(AbstractOTPSender):
    """Repeats the code in what it raises."""

    def send(self, receiver: str, otp: str, **kwargs: Any) -> None:
        raise ConnectionError(f"could not send {otp}")


@pytest.fixture
def strangers() -> Iterator[Client]:
    """Browsers all over the world."""
    return (Client(REMOTE_ADDR=f"{10 + number}.{number}.0.1") for number in count(1))


def guess(client: Client) -> Any:
    """Try a short code that is none of those that were sent."""
    sent = {message.otp for message in outbox}
    return enter(client, next(otp for otp in map("{:06}".format, count()) if otp not in sent))


def look(response: Any, name: str = "") -> dict[str, Any]:
    """What a visitor sees, whatever the time."""
    return seen(response, name or username(), timed=True)


def spent() -> int:
    """The number of right codes that the guesses at the account have competed with."""
    return int(
        WrongGuess.objects.filter(user__isnull=False).aggregate(Sum("units"))["units__sum"] or 0
    )


@pytest.mark.requirement("R16", "R20")
def test_guesses_from_everywhere_share_one_budget(
    strangers: Iterator[Client], staff: Any, clock: Any
) -> None:
    """Twenty browsers a day, each at its own address, for a week: no more than one has."""
    first = Client()
    otp = code(first)
    for _ in range(20):
        stranger = next(strangers)
        ask(stranger)
        guess(stranger)
    after_a_day = spent()
    assert WRONG in text(enter(first, otp))
    for _ in range(6):
        clock.shift(DAY)
        for _ in range(20):
            stranger = next(strangers)
            ask(stranger)
            guess(stranger)
    assert 0 < after_a_day == spent() <= BUDGET * 4
    assert spent() / 10**6 < 1e-4


@pytest.mark.requirement("R18")
@pytest.mark.parametrize("by", REFILLS)
def test_the_budget_is_not_refilled(
    strangers: Iterator[Client], staff: Any, clock: Any, by: str
) -> None:
    """Short codes of a browser that is not known stay refused."""
    first = next(strangers)
    code(first)
    while len(code(next(strangers))) == 6:
        for _ in range(3):
            guess(first)
    before = spent()
    if by == "a new code":
        clock.shift(31)
        first.post(RESEND)
    elif by == "a login":
        other = next(strangers)
        assert enter(other, code(other)).status_code == 302
        other.post(LOGOUT)
    else:
        clock.shift(30 * DAY)
    guess(first)
    assert spent() == before
    other = next(strangers)
    otp = code(other)
    assert len(otp) == 10
    assert enter(other, otp).status_code == 302


@pytest.mark.requirement("R21")
def test_more_messages_than_the_account_gets(
    strangers: Iterator[Client], staff: Any, clock: Any, settings: Any
) -> None:
    """The third is not sent, and its answers are those of the first."""
    configure(settings, OTP_LIMITS={"messages_per_account": 2, "newcomers_per_account": 0})
    answers = []
    for _ in range(3):
        client = next(strangers)
        answers.append((look(ask(client)), look(client.get(CHECK))))
        clock.shift(31)
    assert wait_for_deliveries()
    assert len(outbox) == 2
    assert answers == [answers[0]] * 3


@pytest.mark.requirement("R21")
def test_asking_twice_at_once(strangers: Iterator[Client], staff: Any, clock: Any) -> None:
    """One message; and the answers are those of a name without an account."""
    answers = []
    for name in (username(), username(NOBODY)):
        client = next(strangers)
        answers.append([look(ask(client, name), name), look(ask(client, name), name)])
    assert wait_for_deliveries()
    assert len(outbox) == 1
    assert answers[0] == answers[1]


@pytest.mark.requirement("R25")
def test_an_sms_binds_the_code_to_the_host(settings: Any, staff: Any) -> None:
    """To the host of the page where it was asked for; and it is the right one."""
    configure(settings, OTP_SENDER_CLASS=f"{__name__}.SMSSender")
    settings.ALLOWED_HOSTS = ["shop.example"]
    texts.clear()
    client = Client(HTTP_HOST="shop.example:8443")
    assert client.post(LOGIN, {"username": username()}).status_code == 302
    assert wait_for_deliveries()
    (said,) = texts
    *_, last = said.split("\n")
    host, otp = last.split(" ")
    assert host == "@shop.example"
    assert said.startswith(f"{otp[1:]} ")
    enter(client, otp[1:])
    assert logged_in(client)


@pytest.mark.requirement("R34")
def test_a_broken_sender_looks_like_one_that_works(settings: Any, staff: Any, clock: Any) -> None:
    """Asked once, asked again, and after a wrong code."""
    answers = []
    for name in (settings.SWAP_USER["OTP_SENDER_CLASS"], f"{__name__}.BrokenSender"):
        configure(settings, OTP_SENDER_CLASS=name)
        client = Client()
        looks = [look(ask(client)), look(client.get(CHECK)), look(guess(client))]
        clock.shift(31)
        looks += [look(client.post(RESEND)), look(client.get(CHECK))]
        answers.append(looks)
        assert wait_for_deliveries()
        clock.shift(3600)
    assert [each["status"] for each in answers[0]] == [302, 200, 200, 302, 200]
    assert answers[0] == answers[1]
