"""HOTP authenticators that have run ahead."""

import random

import pytest

from swap_user.otp.crypto.hotp import code_at
from tests.support import RFC_SECRET, enter, give, make_user

pytestmark = pytest.mark.django_db(transaction=True)


def hotp(counter):
    """Return the code of a counter."""
    return code_at(RFC_SECRET, counter)


@pytest.fixture
def user():
    """A user with an HOTP authenticator."""
    user = make_user()
    give(user, "hotp")
    return user


@pytest.mark.requirement("R12")
@pytest.mark.parametrize("skipped", [10, 57, 209])
def test_two_consecutive_codes_beyond_the_window_resynchronise(door, user, skipped):
    """The first is refused, the second lets in, and nothing before them does."""
    assert door(None, hotp(skipped)) is None
    assert door(None, hotp(skipped + 1)) == user
    assert door(None, hotp(skipped - 1)) is None
    assert door(None, hotp(skipped)) is None
    assert door(None, hotp(skipped + 1)) is None
    assert door(None, hotp(skipped + 2)) == user


@pytest.mark.requirement("R12")
@pytest.mark.parametrize("second", [50, 52, 51 + 60])
def test_two_that_are_not_consecutive_do_not(door, user, second):
    """The same one again, one too far, or one from elsewhere: refused."""
    assert door(None, hotp(50)) is None
    assert door(None, hotp(second)) is None


@pytest.mark.requirement("R12")
def test_it_is_bounded(door, user):
    """Beyond its reach two consecutive codes do not help either."""
    assert door(None, hotp(210)) is None
    assert door(None, hotp(211)) is None


@pytest.mark.requirement("R12")
def test_the_look_ahead_is_bounded_and_settable(user, settings):
    """Ten codes by default; OTP_LOOK_AHEAD says how many."""
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_LOOK_AHEAD": 3}
    assert enter(None, hotp(3)) is None
    assert enter(None, hotp(2)) == user


def test_two_hundred_logins_with_skipped_counters(user):
    """An app whose button is pressed in the pocket stays in step."""
    dice = random.Random(4226)
    counter = -1
    for _ in range(200):
        counter += dice.randint(1, 10)
        assert enter(None, hotp(counter)) == user
        assert enter(None, hotp(counter)) is None
