"""A flood of wrong codes leaves nothing behind that grows, and holds up no other user."""

from __future__ import annotations

import pytest

from swap_user.models import MessageCount, WrongGuess
from swap_user.otp import limited, send_code
from swap_user.otp.store import keys, scripts
from swap_user.users import usernames
from tests.support import ask, enter, give, make_user, username, visitor

pytestmark = [pytest.mark.django_db, pytest.mark.heavy, pytest.mark.usefixtures("no_log")]

FLOOD = 3_000
ADDRESSES = 100

# The guesses at an account, the rows that all other wrong guesses share, and an hour in ms.
GUESSES, SHARED, HOUR = 16, 1024, 3_600_000


def _flood(number: int, name: str | None = None) -> int:
    """Try that many wrong codes, and say how many were refused unseen."""
    refused = 0
    for each in range(number):
        request = visitor(REMOTE_ADDR=f"198.18.0.{each % ADDRESSES + 1}")
        assert enter(request, "00000" + str(each % 10), name) is None
        refused += limited(request) is not None
    return refused


def _left() -> dict[str, int]:
    """Return the keys in Redis, and for how many milliseconds they stay."""
    with scripts._reached() as client:
        return {key.decode(): client.pttl(key) for key in client.keys("*")}


@pytest.fixture
def user():
    """A user with an app, who is attacked."""
    user = make_user()
    give(user)
    return user


@pytest.mark.requirement("R16", "R48")
def test_a_flood_leaves_no_more_than_its_beginning(user):
    """
    As many rows as there are guesses, and a fixed number of others; in Redis its addresses.

    The notice to the owner is counted for a day.
    """
    assert _flood(FLOOD) == 0
    assert WrongGuess.objects.filter(user=user).count() == GUESSES
    assert 0 < WrongGuess.objects.filter(user=None).count() <= SHARED
    account = keys.account_key(usernames.normalize(username()))
    left = _left()
    assert not [key for key in left if account in key]
    places = [ms for key, ms in left.items() if not key.endswith(":known")]
    assert len(places) == ADDRESSES
    assert all(0 < ms <= HOUR for ms in places)
    assert len(left) <= ADDRESSES + 1


@pytest.mark.requirement("R16")
def test_a_limited_attempt_leaves_nothing_at_all(user, settings):
    """It is refused by its address before anything is written."""
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_LIMITS": {"guesses_per_address": 1}}
    _flood(ADDRESSES)
    before = WrongGuess.objects.count(), len(_left())
    assert _flood(5 * ADDRESSES) == 5 * ADDRESSES
    assert (WrongGuess.objects.count(), len(_left())) == before


@pytest.mark.requirement("R19")
def test_others_log_in_meanwhile(user):
    """Another user's login is counted for that account alone, from the flood's address even."""
    other = make_user(2)
    for number in range(10):
        _flood(100)
        request = visitor(REMOTE_ADDR=f"198.18.0.{number + 1}")
        assert enter(request, ask(request, username(2)), username(2)) == other


@pytest.mark.requirement("R19")
def test_the_owner_logs_in_meanwhile(user):
    """With a longer code, in a browser that is not known and at an address of the flood even."""
    _flood(500)
    request = visitor(REMOTE_ADDR="198.18.0.1")
    code = ask(request)
    assert len(code) == 10
    assert enter(request, code) == user


@pytest.mark.requirement("R32", "R48")
def test_names_that_nobody_has_leave_nothing():
    """Asked and tried, with codes of each kind: no row and no key is about them."""
    for number in range(3, 103):
        request = visitor(REMOTE_ADDR="198.18.0.1")
        send_code(request, username(number))
        for code in ("000000", "0" * 16):
            enter(request, code, username(number))
    assert len(_left()) == 2
    assert all(0 < ms <= HOUR for ms in _left().values())
    assert MessageCount.objects.count() == 0
    assert WrongGuess.objects.count() <= 100
