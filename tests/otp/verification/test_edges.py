"""What changes nothing in most logins, and must hold in the few where it matters."""

import pytest
import redis

from swap_user.models import KnownBrowser, WrongGuess
from swap_user.otp import generate_recovery_codes
from swap_user.otp.challenges import challenge
from swap_user.otp.crypto.hotp import code_at
from swap_user.otp.store import keys, scripts
from swap_user.otp.verification import marks, verifier
from swap_user.otp.visitors.visitor import visitor as visitor_of
from tests.otp.throttling.helpers import DAY, from_, known, log_in
from tests.support import (
    NOW,
    RFC_SECRET,
    ask,
    configure,
    enter,
    give,
    make_user,
    totp,
    username,
    visitor,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clock")]


def test_what_cannot_be_a_code_costs_nothing(user, django_assert_num_queries, monkeypatch):
    """No query and no command to Redis."""
    monkeypatch.setattr(scripts, "_reached", lambda: pytest.fail("talked to Redis"))
    with django_assert_num_queries(0):
        assert enter(visitor(), "no code") is None


@pytest.mark.requirement("R12")
def test_a_counter_that_has_run_ahead_is_that_of_one_authenticator(user, settings):
    """A code far ahead of one authenticator does not make a code of another one right."""
    configure(settings, OTP_LOOK_AHEAD=2)  # more guesses
    other = "A" * 32
    give(user, "hotp")
    give(user, "hotp", secret=other)
    assert enter(None, code_at(RFC_SECRET, 50)) is None
    assert enter(None, code_at(other, 51)) is None
    assert enter(None, code_at(RFC_SECRET, 50)) is None
    assert enter(None, code_at(RFC_SECRET, 51)) == user


@pytest.mark.requirement("R12")
def test_a_counter_that_has_run_ahead_is_that_of_one_account(user):
    """Others who resynchronize do not get in the way."""
    other = make_user(2)
    for each in (user, other):
        give(each, "hotp")
    for counter, found in [(50, [None, None]), (51, [user, other])]:
        code = code_at(RFC_SECRET, counter)
        assert [enter(None, code, username(number)) for number in (1, 2)] == found


def test_the_log_names_the_account_of_what_is_no_code(user, caplog):
    """As for any other code, however the name is written."""
    enter(None, "no code")
    assert f"account={keys.account_key_of(user)} reason=malformed" in caplog.text


@pytest.mark.requirement("R16")
@pytest.mark.parametrize(("age", "is_accepted"), [(365 * DAY - 1, False), (365 * DAY, True)])
def test_guesses_count_for_a_year(user, age, is_accepted):
    """To the second; a login reads them with its SELECT."""
    give(user)
    WrongGuess.objects.create(user=user, at=NOW - age, units=64, is_known=False, id=1)
    assert (enter(from_(1), totp(NOW)) is not None) == is_accepted


@pytest.mark.requirement("R19")
def test_which_guesses_count(user):
    """Those at this account, of the same kind of browsers."""
    other = make_user(2)
    for owner, is_known, units in [(other, False, 64), (other, True, 200), (user, True, 200)]:
        WrongGuess.objects.create(user=owner, at=NOW, units=units, is_known=is_known)
    give(user)
    assert enter(from_(1), totp(NOW)) == user
    home = known(log_in(from_(2)))
    WrongGuess.objects.filter(user=user).update(is_known=False)
    assert enter(home, totp(NOW + 30)) == user
    assert enter(from_(3), totp(NOW + 30)) is None


@pytest.mark.requirement("R19")
def test_a_cookie_without_its_row_and_a_recovery_code(user):
    """The browser is not known: its owner has revoked it."""
    cookie = log_in(from_(1))

    def is_known():
        browser = visitor_of(known(cookie))
        return verifier.verify(username(), generate_recovery_codes(user)[0], browser).known

    assert is_known()
    KnownBrowser.objects.all().delete()
    assert not is_known()


def test_a_mark_that_is_given_back_leaves_the_one_before(user, shared_redis):
    """The counter before stays used, for as long as it may matter."""
    first, second = (marks.take("account", "owner", counter) for counter in (1, 2))
    assert first is not None
    assert second is not None
    second.give_back()
    assert marks.take("account", "owner", 1) is None
    with scripts._reached() as client:
        assert client.pttl(first.key) > 364 * DAY * 1000
    assert marks.take("account", "owner", 2) is not None


def test_a_mark_that_cannot_be_given_back(user, monkeypatch):
    """The error that the caller handles is not replaced by another one."""
    mark = marks.take("account", "owner", 1)
    assert mark is not None

    def away(*args, **options):
        raise redis.exceptions.ConnectionError

    monkeypatch.setattr(redis.Redis, "execute_command", away)
    mark.give_back()
    mark.settle()


@pytest.mark.parametrize(
    ("left", "is_pending"), [(0, False), (1, True), (660_000, True), (660_001, False)]
)
def test_when_a_challenge_is_pending(left, is_pending):
    """Until its last millisecond, and not if more is left than ten minutes and one."""
    found = list(challenge.parse_challenges("key", f"5:{NOW * 1000 + left}:1", now=NOW))
    assert bool(found) is is_pending


@pytest.mark.requirement("R24")
def test_codes_without_a_flow_are_those_of_one_account(user):
    """The code of one account neither replaces that of another one nor logs in there."""
    make_user(2)
    one, two = (ask(None, username(number)) for number in (1, 2))
    assert enter(None, two, username(1)) is None
    assert enter(None, one, username(1)) == user
    assert enter(None, two, username(2)) is not None
