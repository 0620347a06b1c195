"""Challenges: bound to the flow that asked, replaced within it, gone in time."""

import pytest
import time_machine

from swap_user.otp.challenges import challenge
from tests.support import NOW, ask, enter, username, visitor

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
            challenge.issue("account", flow, now=NOW, timeout=300, digits=6) for flow in "abcde"
        ]
    assert counters == sorted(set(counters))


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


@pytest.mark.requirement("R24")
def test_a_resend_in_my_flow_replaces_the_code(user):
    """The first code is refused as soon as the second is sent, which works."""
    request = visitor()
    first = ask(request)
    second = ask(request)
    assert first != second
    assert enter(request, first) is None
    assert enter(request, second) == user


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


@pytest.mark.parametrize("digits", [6, 8, 10])
def test_the_number_of_digits_is_a_setting(user, settings, digits):
    """A code has OTP_DIGITS digits, and one on its way outlives a change of the setting."""
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_DIGITS": digits}
    request = visitor()
    code = ask(request)
    assert len(code) == digits
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_DIGITS": 7}
    assert enter(request, code) == user


def test_usernames_are_not_in_redis(user, shared_redis):
    """What names the account in Redis is a keyed hash."""
    from swap_user.otp.store import scripts

    ask(visitor())
    with scripts._reached() as client:
        keys = b" ".join(client.keys("*"))
    assert b"challenge" in keys
    assert username().encode() not in keys
    assert b"example.com" not in keys
