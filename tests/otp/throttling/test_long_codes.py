"""Tries at codes of ten digits: five at each, whoever tries; a new code always helps."""

import pytest

from swap_user.models import Authenticator
from swap_user.otp import limited, send_code
from swap_user.otp.authenticators.secrets import open_secret
from swap_user.otp.challenges import challenge
from swap_user.otp.crypto import hotp
from swap_user.otp.verification import verifier
from swap_user.otp.visitors import flow
from tests.otp.throttling.helpers import MINUTE, from_, guess, known, log_in, looked_at
from tests.support import NOW, ask, configure, enter, give, totp, username

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("clock"),
]

WRONG = "0000000000"


@pytest.fixture
def ten_digits(settings):
    """A site whose sent codes always have ten digits."""
    configure(settings, OTP_DIGITS=10)


def scope(request):
    return getattr(limited(request), "scope", None)


def tried(request, times, code=WRONG):
    found = []
    for _ in range(times):
        assert enter(request, code) is None
        found.append(scope(request))
    return found


@pytest.mark.requirement("R49")
def test_a_long_code_takes_few_tries(user, ten_digits):
    """Five, whether or not the code is right; then a new code is asked for, and counts at once."""
    mine = from_(1)
    code = ask(mine)
    assert tried(mine, 5) == [None] * 5
    assert enter(mine, code) is None
    assert scope(mine) == "code"
    assert not limited(mine).longer
    assert 0 < limited(mine).retry_in <= 600
    new = ask(mine)
    assert new != code
    assert enter(mine, new) == user


def test_the_fifth_try_may_be_right(user, ten_digits):
    """Ten digits are easily mistyped."""
    mine = from_(1)
    code = ask(mine)
    assert tried(mine, 4) == [None] * 4
    assert enter(mine, code) == user


def test_a_code_without_tries_left_is_dead(user, ten_digits, settings):
    """Also where its flow may try again, because it has asked and was sent nothing."""
    mine = from_(1)
    code = ask(mine)
    tried(mine, 5)
    limits = {"messages_per_account": "1/1d", "newcomers_per_account": "0/90d"}
    configure(settings, OTP_LIMITS=limits)
    assert send_code(mine, username()) is None
    assert enter(mine, code) is None
    assert scope(mine) is None


@pytest.mark.requirement("R20")
def test_tries_are_those_of_the_message(user, ten_digits, monkeypatch):
    """However often a flow asks within half of a code's life: the same code, five tries in all."""
    mine = from_(1)
    code = ask(mine)
    waited = count_pending(monkeypatch)
    for _ in range(4):
        assert ask(mine) == code
        tried(mine, 1)
    assert ask(mine) == code
    tried(mine, 1)
    assert waited == [1] * 5
    second = ask(mine)
    assert second != code
    tried(mine, 5)
    assert waited == [1] * 10


def count_pending(monkeypatch):
    """Return a list of how many challenges each attempt is compared with."""
    waited = []
    original = verifier.candidates

    def candidates(authenticators, pending, **options):
        waited.append(len(pending.challenges))
        return original(authenticators, pending, **options)

    monkeypatch.setattr(verifier, "candidates", candidates)
    return waited


@pytest.mark.requirement("R20")
def test_sessions_share_the_tries_at_a_code_that_is_bound_to_none(user, ten_digits, monkeypatch):
    """Sessions are free: such a code must not have five tries in each of them."""
    ask(None)
    waited = count_pending(monkeypatch)
    for number in range(40):
        request = from_(number)
        flow.begin(request)
        tried(request, 1)
    assert sum(waited) == 5
    # The code of a session's own counts all the same.
    request = from_(41)
    assert enter(request, ask(request)) == user


def test_tries_in_another_session_take_nothing(user, ten_digits):
    """Strangers can't use up what the owner's code has."""
    mine = from_(1)
    code = ask(mine)
    for number in range(2, 22):
        other = from_(number)
        ask(other)
        tried(other, 5)
    assert enter(mine, code) == user


def test_an_app_is_not_guessed_with_ten_digits(user, ten_digits):
    """Only sent codes have tries of their own: an app of ten digits would have none."""
    user.otp_authenticators.update(digits=10)
    assert enter(from_(1), totp(NOW, digits=10)) is None
    give(user, secret="A" * 32)
    assert looked_at() == 0


def test_long_codes_are_no_short_guesses(user):
    """They leave the budget of the account as it is, and it leaves them."""
    mine = from_(1)
    ask(mine)
    tried(mine, 5)
    assert looked_at() == 0
    assert guess(20) == 16


def test_the_long_form_of_a_short_code(user):
    """A challenge has no digits: its ten are as right as its six, once."""
    mine = from_(1)
    short = ask(mine)
    sent = Authenticator.objects.get(user=user, type="sent")
    long = hotp.code_at(open_secret(sent), challenge.earliest(NOW), digits=10)
    assert long.endswith(short)
    assert enter(mine, long[1:]) is None
    assert enter(mine, long) == user
    assert enter(mine, short) is None


def test_a_spent_account_is_sent_ten_digits(user):
    """To strangers; and its short form does not count."""
    cookie = log_in(from_(0))
    guess(20)
    mine, home = from_(1), known(cookie)
    code = ask(mine)
    assert len(code) == 10
    assert enter(mine, code[-6:]) is None
    assert enter(mine, code) == user
    assert len(ask(home)) == 6


def test_an_account_is_sent_ten_digits_before_six_could_be_refused(user, clock):
    """As soon as the heaviest guess would not fit: with an app, after fifteen usual ones."""
    guess(14)
    assert len(ask(from_(1))) == 6
    guess(1)
    assert len(ask(from_(2))) == 10
    clock.shift(11 * MINUTE)
    assert guess(5) == 1
