"""A resend does not kill the code in the post (R55): late mail, in any order."""

import random

import pytest
from django.db import OperationalError

from swap_user.conf import limits
from swap_user.models import WrongGuess
from swap_user.otp import LoginUnavailable, send_code
from swap_user.otp.challenges import challenge
from swap_user.otp.durable import statements
from swap_user.otp.store import keys, scripts
from swap_user.otp.throttling import weights
from swap_user.testing import outbox
from tests.otp.throttling.helpers import from_, guess
from tests.support import ask, configure, enter, give, make_user, totp, username, visitor

pytestmark = [
    pytest.mark.requirement("R55"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("clock"),
]

LIFE = 300  # OTP_TIMEOUT


def pending(request):
    """Return how many codes of this flow are not used up."""
    key = challenge.challenge_key(keys.account_key(username()), request.session["_swap_user_flow"])
    with scripts._reached() as client:
        value = client.get(key)
    entries = value.decode().split(",") if value else []
    return sum(int(entry.split(":")[2]) <= limits.TRIES_PER_CODE for entry in entries)


@pytest.mark.requirement("R24")
def test_within_half_of_its_life_the_same_code_is_sent_again(user, clock):
    """So it does not matter which mail comes first."""
    request = visitor()
    first = ask(request)
    clock.shift(LIFE / 2 - 1)
    assert ask(request) == first
    assert pending(request) == 1
    assert enter(request, first) == user
    assert enter(request, first) is None


@pytest.mark.requirement("R24")
@pytest.mark.parametrize("accepted", [0, 1])
def test_after_that_both_codes_count_until_one_is_accepted(user, clock, accepted):
    """Then neither does, whatever Redis has kept."""
    request = visitor()
    codes = [ask(request)]
    clock.shift(LIFE / 2)
    codes.append(ask(request))
    assert codes[0] != codes[1]
    assert pending(request) == 2
    assert enter(request, codes[accepted]) == user
    assert pending(request) == 0
    for code in codes:
        assert enter(request, code) is None


def test_a_code_keeps_its_own_time(user, clock):
    """A resend neither lengthens nor shortens its life."""
    request = visitor()
    first = ask(request)
    clock.shift(200)
    second = ask(request)
    clock.shift(LIFE - 200)
    assert enter(request, first) is None
    assert enter(request, second) == user


def test_the_first_counts_until_its_end(user, clock):
    """Nine seconds before it, though a second one was sent meanwhile."""
    request = visitor()
    first = ask(request)
    clock.shift(200)
    ask(request)
    clock.shift(LIFE - 200 - 9)
    assert enter(request, first) == user


class Conflict(Exception):
    """What the driver of PostgreSQL raises."""

    sqlstate = "40001"


def test_a_login_that_fails_leaves_both_as_they_were(user, clock, monkeypatch):
    """The database refused to save the first: both are pending again, each with its own time."""
    request = visitor()
    first = ask(request)
    clock.shift(200)
    second = ask(request)

    def refuse(*args):
        raise OperationalError("could not serialize") from Conflict()

    with monkeypatch.context() as patch:
        patch.setattr(statements, "_run", refuse)
        with pytest.raises(LoginUnavailable):
            enter(request, first)
    assert pending(request) == 2
    clock.shift(LIFE - 200)
    assert enter(request, first) is None
    assert enter(request, second) == user


def test_there_are_never_more_than_two(user, clock):
    """However often a flow asks."""
    request = visitor()
    for _ in range(12):
        code = ask(request)
        clock.shift(60)
        assert 1 <= pending(request) <= 2
    assert enter(request, code) == user


def test_the_flow_of_the_second_is_another_matter(user, clock):
    """A code of another session is not used again."""
    assert ask(visitor()) != ask(visitor())


def test_after_a_login_a_new_code_is_issued(user):
    """The one before is used, however young it is."""
    request = visitor()
    first = ask(request)
    assert enter(request, first) == user
    second = ask(request)
    assert second != first
    assert enter(request, second) == user


def test_a_login_elsewhere_uses_up_what_is_older(user, clock):
    """An earlier counter is never accepted (R7): the next message has a new code."""
    mine, other = visitor(), visitor()
    code = ask(mine)
    clock.shift(1)
    assert enter(other, ask(other)) == user
    assert enter(mine, code) is None
    assert enter(mine, ask(mine)) == user


def test_codes_without_a_session(user, clock):
    """They are one flow: used again for half of their life, two at most."""
    first = ask(None)
    assert ask(None) == first
    clock.shift(LIFE / 2)
    second = ask(None)
    assert second != first
    assert enter(visitor(), first) == user
    assert enter(visitor(), second) is None


@pytest.mark.requirement("R20")
def test_two_live_codes_weigh_two(user, clock):
    """With an app, five codes are right at a time: twelve guesses instead of sixteen."""
    give(user)
    request = from_(1)
    ask(request)
    clock.shift(LIFE / 2)
    ask(request)
    shown = {totp(1_800_000_000 + LIFE / 2 + 30 * step) for step in range(-2, 3)}
    wrong = next(code for code in map(str, range(100_000, 100_009)) if code not in shown)
    for _ in range(20):
        assert enter(request, wrong) is None
    rows = WrongGuess.objects.filter(user=user)
    assert {row.units for row in rows} == {5}
    assert rows.count() == 64 // 5 == 12
    # For other visitors, these are not right.
    assert guess(20) == 1


@pytest.mark.requirement("R20")
def test_no_attempt_weighs_more_than_is_reckoned_with(user, clock):
    """Two codes of the flow and two without one, and all codes of apps."""
    give(user)
    give(user, "hotp", secret="A" * 32)
    request = from_(1)
    for _ in range(2):
        ask(None)
        ask(request)
        clock.shift(LIFE / 2)
    clock.shift(-1)
    assert enter(request, "12345678") is None
    (row,) = WrongGuess.objects.filter(user=user)
    assert row.units == 4 + 3 + 10
    assert row.units <= weights.heaviest(user.otp_authenticators.all())


def test_a_job_that_runs_twice(user, settings):
    """A queue may run it again: the message has the same code."""
    configure(settings, OTP_DISPATCHER=f"{__name__}.Twice")
    request = visitor()
    send_code(request, username())
    first, second = outbox
    assert first.otp == second.otp
    assert enter(request, second.otp) == user


class Twice:
    """A dispatcher that runs each job twice."""

    def job_context(self):
        return None

    def dispatch(self, job, args, kwargs):
        for _ in range(2):
            job(*args, **kwargs)


@pytest.mark.parametrize("seed", range(4))
def test_logins_with_late_mail(clock, settings, seed, no_log):
    """
    Up to three resends, and mail that is late by any time: none of a hundred logins fails.

    The code that comes first is typed, unless its message says that it is over.
    """
    generous = {"messages_per_account": "100/1d", "messages_per_receiver": "100/1d"}
    configure(settings, OTP_LIMITS=generous)
    user, dice = make_user(), random.Random(seed)
    typed = 0
    for _ in range(100):
        request, now, mails = visitor(), 0.0, []
        for _ in range(dice.randint(1, 4)):
            code = ask(request)
            over = now + outbox[-1].kwargs["expires_in"]
            mails.append((now + dice.uniform(1, LIFE), over, code))
            pause = dice.uniform(30, 200)
            now += pause
            clock.shift(pause)
            if min(mails)[0] <= now:
                break
        arrival, over, code = min(mails)
        if arrival > now:
            clock.shift(arrival - now)
        if max(arrival, now) < over - 10:
            assert enter(request, code) == user
            typed += 1
        clock.shift(86_400)
    assert typed > 50
