"""A flood of wrong codes leaves nothing behind that grows, and holds up no other user."""

from __future__ import annotations

import pytest

from swap_user.otp import limited, send_code
from swap_user.otp.store import keys, scripts, windows
from swap_user.users import usernames
from tests.support import ask, enter, give, make_user, username, visitor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_log")]

FLOOD = 5_000
ADDRESSES = 100


def _flood(number: int) -> int:
    """Try that many wrong codes, and say how many were refused unseen."""
    refused = 0
    for each in range(number):
        request = visitor(REMOTE_ADDR=f"198.18.0.{each % ADDRESSES + 1}")
        assert enter(request, "00000" + str(each % 10)) is None
        refused += limited(request) is not None
    return refused


def _held() -> tuple[int, int]:
    """Return how many keys there are, and how many bytes those of the account take."""
    account = keys.account_key(usernames.normalize(username()))
    with scripts._reached() as client:
        own = client.keys(f"*{{{account}}}*")
        return client.dbsize(), sum(client.memory_usage(key, samples=0) for key in own)


@pytest.fixture
def user():
    """A user with an app, who is attacked."""
    user = make_user()
    give(user)
    return user


@pytest.mark.requirement("R16", "R19")
def test_a_limited_attempt_leaves_nothing_behind(user):
    """Five thousand after the first few: as many keys as before them, and as many bytes."""
    # The budget of the account is spent, and each address known.
    _flood(ADDRESSES)
    before = _held()
    assert _flood(FLOOD) == FLOOD
    keys, size = _held()
    assert keys <= before[0]
    assert size <= before[1]


@pytest.mark.requirement("R19")
def test_others_log_in_meanwhile(user):
    """Another user's login is counted for that account alone, from the flood's address even."""
    other = make_user(2)
    for number in range(10):
        _flood(100)
        request = visitor(REMOTE_ADDR=f"198.18.0.{number + 1}")
        assert enter(request, ask(request, username(2)), username(2)) == other


@pytest.mark.requirement("R16", "R32")
def test_names_that_nobody_has_are_forgotten(user):
    """One guess at each: a key of the name, which goes by itself; and nothing for ever."""
    for number in range(3, 103):
        request = visitor(REMOTE_ADDR="198.18.0.1")
        send_code(request, username(number))
        enter(request, "000000", username(number))
    with scripts._reached() as client:
        keys = client.keys("*")
        assert len(keys) <= 5 * 100 + 10
        assert all(0 < client.pttl(key) <= windows.YEAR for key in keys)
