"""What is promised of guesses, messages, codes and senders, through the API."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from django.test import Client

from swap_user.testing import outbox, wait_for_deliveries
from tests.api.clients import BASE, AppClient
from tests.api.conftest import sent_code
from tests.api.promises.conftest import code, from_address, look
from tests.otp.pages.login import test_promises as pages
from tests.otp.pages.login.helpers import NOBODY
from tests.otp.pages.login.test_promises import BUDGET, DAY, REFILLS, spent
from tests.otp.verification.codes import CODES
from tests.support import configure, spellings, username, visitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def strangers(new_client: Any) -> Iterator[Any]:
    """Clients all over the world."""
    return (from_address(new_client, f"{10 + number}.{number}.0.1") for number in count(1))


def guess(client: Any) -> Any:
    """Try a short code that is none of those that were sent."""
    sent = {message.otp for message in outbox}
    return client.enter(next(otp for otp in map("{:06}".format, count()) if otp not in sent))


@pytest.mark.requirement("R16", "R20")
def test_guesses_from_everywhere_share_one_budget(
    clock: Any, strangers: Iterator[Any], user: Any
) -> None:
    """Twenty clients, each at its own address: no more than one has."""
    first = next(strangers)
    otp = code(first)
    for _ in range(20):
        stranger = next(strangers)
        stranger.ask()
        guess(stranger)
    after_a_day = spent()
    assert first.enter(otp).status_code == 401
    clock.shift(DAY)
    for _ in range(5):
        stranger = next(strangers)
        stranger.ask()
        guess(stranger)
    assert 0 < after_a_day == spent() <= BUDGET * 4


@pytest.mark.requirement("R18")
@pytest.mark.parametrize("by", REFILLS)
def test_the_budget_is_not_refilled(
    clock: Any, strangers: Iterator[Any], user: Any, by: str
) -> None:
    """Short codes of a client that is not known stay refused."""
    first = next(strangers)
    code(first)
    while len(code(next(strangers))) == 6:
        for _ in range(3):
            guess(first)
    before = spent()
    if by == "a new code":
        clock.shift(31)
        first.ask()
    elif by == "a login":
        other = next(strangers)
        assert other.enter(code(other)).status_code == 200
    else:
        clock.shift(30 * DAY)
        first = next(strangers)
    guess(first)
    assert spent() == before
    other = next(strangers)
    otp = code(other)
    assert len(otp) == 10
    assert other.enter(otp).status_code == 200


@pytest.mark.requirement("R21")
def test_more_messages_than_the_account_gets(
    clock: Any, strangers: Iterator[Any], user: Any, settings: Any
) -> None:
    """The third is not sent, and its answer is that of the first."""
    configure(settings, OTP_LIMITS={"messages_per_account": 2, "newcomers_per_account": 0})
    answers = []
    for _ in range(3):
        answers.append(look(next(strangers).ask()))
        clock.shift(31)
    assert wait_for_deliveries()
    assert len(outbox) == 2
    assert answers == [answers[0]] * 3


@pytest.mark.requirement("R21")
def test_asking_twice_at_once(clock: Any, strangers: Iterator[Any], user: Any) -> None:
    """One message; and the answers are those of a name without an account."""
    answers = []
    for name in (username(), username(NOBODY)):
        client = next(strangers)
        answers.append([look(client.ask(name), name) for _ in range(2)])
    assert wait_for_deliveries()
    assert len(outbox) == 1
    assert answers[0] == answers[1]


@pytest.mark.requirement("R21")
def test_asking_twice_in_another_spelling(clock: Any, api: Any, user: Any) -> None:
    """It is the same name."""
    api.ask()
    for name in spellings():
        assert api.ask(name).json()["resend_in"] > 0
    assert len(outbox) == 1
    assert api.enter(sent_code(), spellings()[0]).status_code == 200


@pytest.mark.requirement("R55")
def test_a_resend_leaves_the_first_code_valid(clock: Any, api: Any, user: Any) -> None:
    """Within its life every message of a flow counts, until one of them is accepted."""
    first = code(api)
    clock.shift(31)
    api.ask()
    assert len(outbox) == 2
    assert api.enter(first).status_code == 200


@pytest.mark.requirement("R24")
def test_a_request_of_another_client(api: Any, user: Any, new_client: Any) -> None:
    """It leaves the code of this one valid."""
    mine = code(api)
    code(new_client().start())
    assert api.enter(mine).status_code == 200


@pytest.mark.requirement("R23")
def test_a_code_of_another_client(api: Any, user: Any, new_client: Any) -> None:
    """Neither without a flow nor in one of the same user's."""
    theirs = code(api)
    for asks in (True, False):
        mine = new_client().start()
        if asks:
            mine.ask()
        assert mine.enter(theirs).status_code == 401
    assert api.enter(theirs).status_code == 200


@pytest.mark.requirement("R22")
def test_a_code_that_has_expired(clock: Any, api: Any, user: Any) -> None:
    """After five minutes."""
    otp = code(api)
    clock.shift(301)
    assert api.enter(otp).status_code == 401


@pytest.mark.requirement("R6", "R53")
@pytest.mark.parametrize("kind", CODES)
def test_every_kind_of_code_counts_once(clock: Any, user: Any, new_client: Any, kind: str) -> None:
    """In the same client, in another one, and with the flow of before the login."""
    if kind == "sent":
        client = new_client().start()
        otp = code(client)
    else:
        otp = CODES[kind](user, visitor())
        client = new_client().start()
        client.ask()
    flow = getattr(client, "flow", "")
    assert client.enter(otp).status_code == 200
    others = [new_client().start()]
    if flow:
        others.append(AppClient(flow=flow))
    for other in others:
        assert other.enter(otp).status_code == 401


@pytest.mark.requirement("R25")
def test_an_sms_binds_the_code_to_the_host(settings: Any, user: Any, new_client: Any) -> None:
    """To the host of the API where it was asked for; and it is the right one."""
    configure(settings, OTP_SENDER_CLASS=f"{pages.__name__}.SMSSender")
    settings.ALLOWED_HOSTS = ["shop.example"]
    pages.texts.clear()
    client = Client(enforce_csrf_checks=True, HTTP_HOST="shop.example:8443")
    member = new_client(client=client).start()
    assert member.ask().status_code == 202
    (said,) = pages.texts
    host, otp = said.split("\n")[-1].split(" ")
    assert host == "@shop.example"
    assert member.enter(otp[1:]).status_code == 200


@pytest.mark.requirement("R34")
def test_a_broken_sender_looks_like_one_that_works(
    clock: Any, settings: Any, user: Any, new_client: Any
) -> None:
    """Asked once, asked again, and after a wrong code."""
    answers = []
    for name in (settings.SWAP_USER["OTP_SENDER_CLASS"], f"{pages.__name__}.BrokenSender"):
        configure(settings, OTP_SENDER_CLASS=name)
        client = new_client().start()
        looks = [look(client.ask()), look(guess(client))]
        clock.shift(31)
        looks += [look(client.ask())]
        answers.append(looks)
        assert wait_for_deliveries()
        clock.shift(3600)
    assert [each["status"] for each in answers[0]] == [202, 401, 202]
    assert answers[0] == answers[1]


@pytest.mark.requirement("R26")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_no_code_in_an_address(api: Any, user: Any, method: str) -> None:
    """A code in the query string is ignored, and stays valid."""
    otp = code(api)
    query = f"?username={username()}&otp={otp}&flow={getattr(api, 'flow', '')}"
    response = api.client.generic(method, f"{BASE}session/{query}", headers=api.headers())
    assert response.status_code == 401
    assert otp not in response.content.decode()
    assert api.enter(otp).status_code == 200


@pytest.mark.requirement("R40")
def test_nothing_is_kept_by_caches(member: Any, user: Any) -> None:
    """Each answer says so; the client itself checks it for every other test."""
    for response in (member.get("session/"), member.post("recovery-codes/"), member.ask()):
        assert "no-store" in response["Cache-Control"]
        assert "private" in response["Cache-Control"]
