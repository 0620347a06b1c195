"""The limits of the pages hold for the API: nothing about other people's tries (R49)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.api.promises.conftest import code, look
from tests.otp.pages.login.helpers import wrong
from tests.otp.pages.login.test_limits import (
    HERE,
    NETWORK,
    NUMBERS,
    WRONG_LONG,
    WRONG_SHORT,
    spend,
)
from tests.support import configure, username

pytestmark = pytest.mark.django_db


def refusal(client: Any, otp: str, name: str | None = None) -> str:
    """Return what the API says about a code."""
    response = client.enter(otp, name)
    said = response.json()
    assert response.status_code == {"invalid_code": 401, "limited": 429}[said["code"]]
    assert ("Retry-After" in response) is (said["code"] == "limited")
    return str(said["detail"])


@pytest.mark.requirement("R49")
def test_too_many_from_a_network(new_client: Any, user: Any, settings: Any, clock: Any) -> None:
    """What works at once, without a date; the same whether or not there is an account."""
    configure(settings, OTP_LIMITS={"guesses_per_address": 2})
    seen = []
    for number in NUMBERS:
        client, name = new_client().start(), username(number)
        client.ask(name)
        answers = [client.enter(WRONG_SHORT, name) for _ in range(4)]
        assert [each.status_code for each in answers] == [401, 401, 429, 429]
        assert NETWORK in answers[-1].json()["detail"]
        assert answers[-1].json()["longer"] is True
        assert not re.search(r"\d", answers[-1].json()["detail"])
        seen.append([look(each, name) for each in answers])
        clock.shift(2 * 86_400)
    assert seen[0] == seen[1]


def test_a_longer_code_works_then(new_client: Any, user: Any, settings: Any) -> None:
    """As the answer says, from the same network."""
    configure(settings, OTP_LIMITS={"guesses_per_address": 2})
    client = new_client().start()
    code(client)
    for _ in range(3):
        client.enter(WRONG_SHORT)
    other = new_client().start()
    longer = code(other)
    assert len(longer) == 10
    assert other.enter(longer).status_code == 200


@pytest.mark.requirement("R49")
@pytest.mark.parametrize("number", NUMBERS)
def test_too_many_long_codes_in_a_flow(clock: Any, api: Any, user: Any, number: int) -> None:
    """The visitor's own; asking for a new code always helps."""
    name = username(number)
    api.ask(name)
    for _ in range(5):
        assert "did not work" in refusal(api, WRONG_LONG, name)
    assert refusal(api, WRONG_LONG, name) == HERE
    assert api.enter(WRONG_LONG, name).json()["longer"] is False
    clock.shift(31)
    api.ask(name)
    assert "did not work" in refusal(api, WRONG_LONG, name)


@pytest.mark.requirement("R18")
def test_a_new_flow_does_not_help(clock: Any, user: Any, new_client: Any) -> None:
    """An app that throws its flow away, or a browser its cookies, has the limits of before."""
    spend(user)
    for _ in range(3):
        client = new_client().start()
        assert len(code(client)) == 10
        clock.shift(31)


@pytest.mark.requirement("R19", "R49")
def test_a_spent_account_is_not_mentioned(clock: Any, new_client: Any, user: Any) -> None:
    """The answer is that of any wrong code, and the next code is longer."""
    client = new_client().start()
    otp = code(client)
    usual = look(client.enter(wrong(otp)))
    spend(user)
    assert look(client.enter(otp)) == usual
    other = new_client().start()
    longer = code(other)
    assert len(longer) == 10
    assert other.enter(longer).status_code == 200


@pytest.mark.requirement("R19", "R47")
def test_a_known_client_has_short_codes_still(new_client: Any, user: Any) -> None:
    """Whatever strangers have tried: a browser by its cookie, an app by what it has kept."""
    mine = new_client().start()
    assert mine.enter(code(mine)).status_code == 200
    mine.delete("session/")
    for name in ("flow", "token"):
        if hasattr(mine, name):
            setattr(mine, name, "")
    spend(user)
    otp = code(mine)
    assert len(otp) == 6
    assert mine.enter(otp).status_code == 200
