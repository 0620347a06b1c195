"""Challenges: bound to the flow that asked, gone in time, and never there without a message."""

import pytest
import redis
import time_machine

from swap_user.models import Authenticator
from swap_user.otp import send_code
from swap_user.otp.authenticators.secrets import open_secret
from swap_user.otp.challenges import challenge
from swap_user.otp.crypto import hotp
from swap_user.otp.store import keys, scripts
from swap_user.testing import MemoryOTPSender
from tests.support import NOW, ask, configure, enter, username, visitor

pytestmark = pytest.mark.django_db


@pytest.mark.requirement("R22")
@pytest.mark.parametrize(
    ("timeout", "later", "accepted"), [(300, 299, 1), (300, 300, 0), (600, 599, 1), (600, 601, 0)]
)
def test_a_sent_code_expires(user, settings, timeout, later, accepted):
    """Accepted within OTP_TIMEOUT seconds, refused from then on; ten minutes are the most."""
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_TIMEOUT": timeout}
    request = visitor()
    with time_machine.travel(NOW, tick=False) as clock:
        code = ask(request)
        clock.move_to(NOW + later)
        assert enter(request, code) == (user if accepted else None)


@pytest.mark.requirement("R23")
def test_a_code_counts_only_in_the_flow_that_asked(user):
    """Session A's code is refused in session B, without a session, and then accepted in A."""
    mine, other, stranger = visitor(), visitor(), visitor()
    code = ask(mine)
    ask(other)
    assert enter(other, code) is None
    assert enter(stranger, code) is None
    assert enter(None, code) is None
    assert enter(mine, code) == user


@pytest.mark.requirement("R23")
def test_two_flows_get_different_codes_at_the_same_instant(user):
    """Even with the clock standing still, no two challenges of an account share a counter."""
    with time_machine.travel(NOW, tick=False):
        counters = [
            challenge.issue(
                "account", flow, counter=7, now=NOW, expires_at=NOW + 300, timeout=300
            ).counter
            for flow in "abcde"
        ]
    assert counters == [7, 8, 9, 10, 11]


def test_asked_for_without_a_session_it_is_bound_to_none(user):
    """An API asks with request=None; the code counts in any session, once."""
    code = ask(None)
    request = visitor()
    assert enter(request, code) == user
    assert enter(None, code) is None


@pytest.mark.requirement("R24")
@pytest.mark.parametrize("mine_first", [True, False])
def test_a_request_from_another_flow_leaves_mine_valid(user, mine_first):
    """Whoever asks before or after me, my code works in my flow."""
    mine, other = visitor(), visitor()
    if mine_first:
        code = ask(mine)
        ask(other)
    else:
        ask(other)
        code = ask(mine)
    assert enter(mine, code) == user


def test_a_clock_set_back_does_not_shut_the_owner_out(user):
    """After a login the clock jumps back a day: the next code still works."""
    request = visitor()
    with time_machine.travel(NOW, tick=False) as clock:
        assert enter(request, ask(request)) == user
        clock.move_to(NOW - 86400)
        assert enter(request, ask(request)) == user


@pytest.mark.requirement("R22")
def test_a_clock_set_back_does_not_lengthen_a_codes_life(user):
    """The clock jumps back an hour while a code waits: that code is over."""
    request = visitor()
    with time_machine.travel(NOW, tick=False) as clock:
        code = ask(request)
        clock.move_to(NOW - 3600)
        assert enter(request, code) is None


@pytest.mark.parametrize("digits", [6, 7, 8, 9, 10])
def test_the_number_of_digits_is_a_setting(user, settings, digits):
    """A code has OTP_DIGITS digits; its ten count too, and no other part of them."""
    configure(settings, OTP_DIGITS=digits)
    request = visitor()
    code = ask(request)
    assert len(code) == digits
    long = _long_form(user)
    assert long.endswith(code)
    for other in {6, 7, 8, 9} - {digits}:
        assert enter(request, long[-other:]) is None
    assert enter(request, code) == user


@pytest.mark.parametrize("digits", [6, 10])
def test_a_code_on_its_way_when_the_setting_changes(user, settings, digits):
    """A short one must be asked for again, a long one counts."""
    configure(settings, OTP_DIGITS=digits)
    request = visitor()
    code = ask(request)
    configure(settings, OTP_DIGITS=7)
    assert enter(request, code) == (user if digits == 10 else None)
    assert enter(request, ask(request)) == user


def _long_form(user):
    """Return all digits of the code that is pending."""
    authenticator = Authenticator.objects.get(user=user, type="sent")
    counter = _last_counter()
    return hotp.code_at(open_secret(authenticator), counter, digits=10)


def _last_counter():
    with scripts._reached() as client:
        return int(client.get(challenge.last_counter_key(keys.account_key(username()))))


class Watching(MemoryOTPSender):
    """Looks for pending codes when a message is sent, and fails."""

    seen: list[bool] = []

    def send(self, receiver, otp, **kwargs):
        Watching.seen.append(bool(_pending()))
        raise OSError("away")


def _pending():
    with scripts._reached() as client:
        return client.keys("*challenge*")


@pytest.mark.requirement("R20", "R21")
def test_a_code_that_is_not_sent_can_not_be_guessed(user, settings):
    """The job charges the message, then issues the challenge, then sends (trap 1)."""
    configure(settings, OTP_DISPATCHER="tests.work.RecordingDispatcher")
    send_code(visitor(), username())
    assert _pending() == []  # a job that is lost leaves nothing
    configure(settings, OTP_DISPATCHER="swap_user.otp.dispatchers.InlineDispatcher")
    limits = {"messages_per_account": "1/1d", "newcomers_per_account": "0/90d"}
    configure(settings, OTP_LIMITS=limits)
    ask(visitor())
    assert len(_pending()) == 1
    for _ in range(3):
        send_code(visitor(), username())
    assert len(_pending()) == 1


@pytest.mark.parametrize(
    "limits", [{"messages_per_receiver": "0/1d"}, {"messages_per_site": "0/1d"}], ids=str
)
def test_a_message_that_is_withheld_leaves_no_challenge(user, settings, limits):
    """Also where it is the receiver or the site that has had enough."""
    configure(settings, OTP_LIMITS={**limits, "newcomers_per_account": "0/90d"})
    send_code(visitor(), username())
    assert _pending() == []


def test_the_challenge_is_there_when_the_message_is_sent(user, settings):
    """Whoever reads it at once can use it; if sending fails, it may have arrived all the same."""
    configure(settings, OTP_SENDER_CLASS=f"{__name__}.Watching")
    Watching.seen.clear()
    send_code(visitor(), username())
    assert Watching.seen == [True]
    assert len(_pending()) == 1


@pytest.mark.requirement("R48")
def test_names_without_an_account_have_no_challenge(shared_redis):
    """Nothing is issued for them."""
    for number in range(5):
        send_code(visitor(), username(number))
    assert _pending() == []
    with redis.Redis.from_url(shared_redis.url) as client:
        assert not client.keys("*issued*")


def test_usernames_are_not_in_redis(user, shared_redis):
    """What names the account in Redis is a keyed hash."""
    ask(visitor())
    with scripts._reached() as client:
        keys = b" ".join(client.keys("*"))
    assert b"challenge" in keys
    assert username().encode() not in keys
    assert b"example.com" not in keys
