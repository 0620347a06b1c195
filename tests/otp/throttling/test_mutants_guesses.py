"""The edges of the budgets of guesses, one by one."""

import pytest

from swap_user.models import Authenticator
from swap_user.otp.crypto import hotp
from swap_user.otp.throttling import guesses, weights
from swap_user.otp.throttling.guesses import Attempt, Counted
from tests.support import configure

USUAL = 4  # units of a guess; 16 guesses have 64
KNOWN = 50 * USUAL


def app(digits=6, kind=Authenticator.Type.TOTP):
    return Authenticator(type=kind, digits=digits)


@pytest.mark.requirement("R18")
def test_the_last_guess_that_has_room():
    """Sixteen usual ones, and not a unit more; the others in flight count as if they were wrong."""
    for used, units, position, has_room in [
        (0, USUAL, 1, True),
        (60, USUAL, 1, True),
        (61, USUAL, 1, False),
        (60, 5, 1, False),
        (56, USUAL, 2, True),
        (57, USUAL, 2, False),
        (0, USUAL, 16, True),
        (0, USUAL, 17, False),
    ]:
        attempt = Attempt(position=position)
        assert attempt.has_room(Counted(strangers=used), units, USUAL) is has_room


@pytest.mark.requirement("R18")
def test_others_in_flight_take_the_most_that_they_can_weigh():
    """Not what this one weighs."""
    assert Attempt(position=2).has_room(Counted(strangers=4), USUAL, 56)
    assert not Attempt(position=2).has_room(Counted(strangers=5), USUAL, 56)


def test_one_heavy_guess_is_always_allowed():
    """The first of a year, alone; it is not a second one, and not one of two at the same time."""
    assert Attempt(position=1).has_room(Counted(), 1000, 1000)
    assert not Attempt(position=1).has_room(Counted(strangers=1), 1000, 1000)
    assert not Attempt(position=2).has_room(Counted(), 1000, 1000)


@pytest.mark.requirement("R56")
def test_a_braked_visitor_has_no_first_guess():
    """Also where nothing was counted yet."""
    assert not Attempt(position=1, is_braked=True).has_room(Counted(), USUAL, USUAL)


@pytest.mark.requirement("R18")
def test_known_browsers_have_a_budget_of_their_own():
    """Neither budget is charged for the other."""
    known = Attempt(position=1, is_known=True)
    assert known.has_room(Counted(strangers=64, known=KNOWN - USUAL), USUAL, USUAL)
    assert not known.has_room(Counted(known=KNOWN - USUAL + 1), USUAL, USUAL)
    assert Attempt(position=1).has_room(Counted(strangers=60, known=KNOWN), USUAL, USUAL)


@pytest.mark.requirement("R18")
def test_a_limit_of_none_allows_no_guess(settings):
    """Not even the first."""
    configure(settings, OTP_LIMITS={"guesses_per_account": "0/365d"})
    assert not Attempt(position=1).has_room(Counted(), USUAL, USUAL)
    assert not guesses.accepts_short(Counted(), [app()], is_known=False)


def test_when_no_guess_of_strangers_is_left(settings):
    """The next one has no room, and there was one before."""
    for used, kept, units, is_spent in [
        (60, 0, USUAL, False),
        (61, 0, USUAL, True),
        (60, 0, 1, False),
        (61, 0, 1, True),
        (56, 0, 8, False),
        (57, 0, 8, True),
        (0, 0, 1000, False),
        (1, 0, 1000, True),
        (0, 15, USUAL, False),
        (0, 16, USUAL, True),
        (0, 1, 1000, True),
        (40, 2, 8, False),
        (41, 2, 8, True),
    ]:
        counted = Counted(strangers=used, known=1000)
        assert guesses.is_spent(counted, units, kept=kept) is is_spent
    configure(settings, OTP_LIMITS={"guesses_per_account": "0/365d"})
    assert not guesses.is_spent(Counted(), USUAL, kept=0)


def test_the_class_of_a_code():
    """Ten digits are long."""
    assert guesses.code_class("1" * 9) == "short"
    assert guesses.code_class("1" * hotp.MAX_DIGITS) == "long"
    assert guesses.code_class(None) == "recovery"


def test_what_a_guess_weighs():
    """The six-digit codes that are right, and four at least; one of eight is a hundredth."""
    assert weights.weigh([]) == USUAL
    assert weights.weigh(["123456"] * 4) == 4
    assert weights.weigh(["123456"] * 5) == 5
    assert weights.weigh([*["123456"] * 4, "1234567"]) == 5
    assert weights.weigh([*["123456"] * 4, *["1234567"] * 10]) == 5
    assert weights.weigh([*["123456"] * 4, *["12345678"] * 101]) == 6
    assert weights.weigh([*["123456"] * 4, *["1234567890"] * 99]) == 4


def test_the_most_that_a_guess_weighs(settings):
    """Four sent codes, the steps of each app, and the codes ahead of each counter."""
    assert weights.heaviest([]) == 4
    assert weights.heaviest([app()]) == 4 + 3
    assert weights.heaviest([app(), app(8)]) == 4 + 3 + 1
    assert weights.heaviest([app(kind=Authenticator.Type.SENT)]) == 4
    configure(settings, OTP_PAST_STEPS=2, OTP_FUTURE_STEPS=0)
    assert weights.heaviest([app()]) == 4 + 3
    configure(settings, OTP_PAST_STEPS=2, OTP_FUTURE_STEPS=2, OTP_LOOK_AHEAD=6)
    assert weights.heaviest([app()]) == 4 + 5
    assert weights.heaviest([app(kind=Authenticator.Type.HOTP)]) == 4 + 7


@pytest.mark.requirement("R20")
def test_when_a_sent_code_is_short():
    """It is, if the heaviest guess at it has room in the budget of those who may guess."""
    apps = [app()]  # 7 units
    short = guesses.accepts_short
    assert short(Counted(strangers=57), apps, is_known=False)
    assert not short(Counted(strangers=58), apps, is_known=False)
    assert short(Counted(strangers=64, known=KNOWN - 7), apps, is_known=True)
    assert not short(Counted(strangers=64, known=KNOWN - 6), apps, is_known=True)
    assert short(Counted(strangers=57, known=KNOWN), apps, is_known=True)
    assert not short(Counted(strangers=58, known=0), apps, is_known=False)
    many = [app()] * 30
    assert short(Counted(), many, is_known=False)
    assert not short(Counted(strangers=1), many, is_known=False)


def test_longer_codes_help_unless_they_were_tried():
    """A visitor whose address is limited can ask for a longer code."""
    assert guesses.ReachedLimit("address", 1).longer
    assert not guesses.ReachedLimit("code", 1).longer
