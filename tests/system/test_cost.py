"""What a login costs, in counts that hold on any machine: statements and Redis round trips."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis
from django.db import connection
from django.http import HttpResponse

from services.redis import RedisServer
from swap_user.models import WrongGuess
from swap_user.otp import AnotherCodeNeeded, limited, remember_browser, send_code
from swap_user.otp.authenticators import upgrades
from swap_user.otp.authenticators.recovery_codes import generate_recovery_codes
from swap_user.otp.challenges import factors_shown, resync
from swap_user.otp.challenges.resync import Far
from swap_user.otp.crypto import hotp
from swap_user.otp.visitors import known_browsers
from swap_user.otp.visitors.known_browsers import COOKIE
from tests.support import (
    CACHE_BACKENDS,
    NOW,
    RFC_SECRET,
    ask,
    configure,
    enter,
    give,
    make_user,
    totp,
    use_policy,
    username,
    visitor,
)
from tests.system.counting import counted

# Without the transaction of a test around them: each statement stands for itself, as on a site.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clock")]


@pytest.fixture(autouse=True, params=CACHE_BACKENDS.values(), ids=CACHE_BACKENDS)
def _cache(request, settings, shared_redis):
    """Both cache backends, whatever REDIS_BACKEND says."""
    settings.CACHES = {"default": settings.CACHES["default"] | {"BACKEND": request.param}}
    # On a site another thread tells the owner; here it would be counted.
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_NOTICES": []}


def spend(user):
    """Let strangers use up the guesses at an account."""
    for _ in range(16):
        WrongGuess.objects.create(user=user, at=NOW, units=4, is_known=False)


@pytest.fixture
def user():
    """An active user with one of everything, and warm connections."""
    user = make_user()
    give(user, "totp")
    give(user, "hotp", secret="A" * 32)
    request = visitor()
    # Creates the authenticator for sent codes, opens all connections, loads the scripts.
    assert enter(request, ask(request)) == user
    factors_shown.forget("warm", "warm")
    factors_shown.add("warm", "warm", "sent", user)
    resync.remember("warm", Far("warm", 1))
    assert enter(None, "12345678") is None
    assert enter(None, "0" * 16) is None
    # Whether an upgrade is finished is asked once in a process.
    assert enter(None, generate_recovery_codes(user)[0]) == user
    assert enter(None, hotp.code_at("A" * 32, 0)) == user
    return user


CODES: dict[str, Callable[[Any], str]] = {
    "sent": ask,
    "totp": lambda request: totp(NOW),
    "hotp": lambda request: hotp.code_at("A" * 32, 1),
}


@pytest.mark.parametrize("kind", CODES)
def test_an_accepted_code(user, shared_redis, door, kind):
    """One SELECT, one UPDATE, two round trips; no transaction around them."""
    request = visitor()
    # In a session that asked, so that the flow's keys are read too.
    sent = ask(request)
    code = sent if kind == "sent" else CODES[kind](request)
    with counted(shared_redis) as cost:
        assert door(request, code) == user
    assert cost.database == {"SELECT": 1, "UPDATE": 1}
    assert cost.served == {"evalsha": 2}
    assert (cost.trips, cost.jobs) == (2, [])


def _wrong(request: Any) -> str:
    """Return a code that nothing of the user's computes to, now or far ahead."""
    right = {ask(request), *(totp(NOW + 30 * step) for step in (-1, 0, 1))}
    right |= {hotp.code_at("A" * 32, counter) for counter in range(400)}
    return next(code for code in (f"{number:06}" for number in range(1000)) if code not in right)


WRONG_SHORT = (
    # What is written, the round trips, and the jobs.
    {"SELECT": 1, "INSERT": 1},
    2,
    ["after_wrong_guess"],
)


@pytest.mark.requirement("R33")
@pytest.mark.parametrize("spent", [False, True], ids=["not spent", "spent"])
@pytest.mark.parametrize("name", [1, 2], ids=["known", "unknown"])
def test_a_wrong_short_code(user, shared_redis, door, name, spent):
    """One SELECT, one upsert, two trips, one job; the same where no guess is left or no account."""
    request = visitor()
    code = _wrong(request)
    if spent:
        spend(user)
    with counted(shared_redis) as cost:
        assert door(request, code, username(name)) is None
    assert (cost.database, cost.trips, cost.jobs) == WRONG_SHORT
    assert cost.served == {"evalsha": 2}
    # MariaDB's collation ignores case, so the stored spelling is looked up.
    assert cost.identifying == int(connection.vendor == "mysql")


@pytest.mark.requirement("R33")
def test_a_right_short_code_for_which_no_guess_is_left(user, shared_redis, door):
    """It costs what a wrong one does, so that it can't be told from one."""
    request = visitor()
    code = ask(request)
    spend(user)
    with counted(shared_redis) as cost:
        assert door(request, code) is None
    assert (cost.database, cost.trips, cost.jobs) == WRONG_SHORT


@pytest.mark.requirement("R33")
def test_a_right_short_code_that_the_policy_refuses(user, shared_redis, settings, door):
    """The same."""
    request = visitor()
    code = ask(request)
    use_policy(settings, "AuthenticatorOnceEnrolled")
    with counted(shared_redis) as cost:
        assert door(request, code) is None
    assert (cost.database, cost.trips, cost.jobs) == WRONG_SHORT


@pytest.mark.parametrize("name", [1, 2], ids=["known", "unknown"])
def test_a_wrong_long_code(user, shared_redis, door, name):
    """One SELECT, one round trip, nothing written."""
    request = visitor()
    ask(request)
    with counted(shared_redis) as cost:
        assert door(request, "1234567890", username(name)) is None
    assert (cost.database, cost.trips, cost.jobs) == ({"SELECT": 1}, 1, [])


def test_a_cookie_of_a_revoked_browser(user, shared_redis, door):
    """Its attempt takes its place among those of strangers, which is one more SELECT and trip."""
    request, response = visitor(), HttpResponse()
    assert enter(request, ask(request)) == user
    remember_browser(request, response)
    again = visitor()
    again.COOKIES[COOKIE] = response.cookies[COOKIE].value
    code = ask(again)
    known_browsers.revoke(user)
    with counted(shared_redis) as cost:
        assert door(again, code) == user
    assert cost.database == {"SELECT": 2, "UPDATE": 1}
    assert (cost.trips, cost.jobs) == (3, [])


@pytest.mark.parametrize("kind", CODES)
def test_a_used_code(user, shared_redis, kind):
    """As a wrong code, and one more trip, in which Redis refuses it."""
    request = visitor()
    code = CODES[kind](request)
    assert enter(request, code) == user
    with counted(shared_redis) as cost:
        assert enter(request, code) is None
    assert cost.database == {"SELECT": 1, "INSERT": 1}
    assert cost.trips == 3
    assert cost.jobs == ["after_wrong_guess"]


def test_a_code_from_far_ahead(user, shared_redis):
    """Remembering it for resynchronization takes a third trip."""
    with counted(shared_redis) as cost:
        assert enter(None, hotp.code_at("A" * 32, 50)) is None
    assert cost.database == {"SELECT": 1, "INSERT": 1}
    assert cost.trips == 3
    with counted(shared_redis) as cost:
        assert enter(None, hotp.code_at("A" * 32, 51)) == user
    assert cost.database == {"SELECT": 1, "UPDATE": 1}
    assert cost.trips == 2


@pytest.mark.parametrize("typed", ["", "12345", "not a code", None, 7])
def test_what_cannot_be_a_code_costs_nothing(user, shared_redis, typed):
    """It is refused before anything is asked."""
    with counted(shared_redis) as cost:
        assert enter(None, typed) is None
    assert (cost.database, cost.trips) == ({}, 0)


def test_an_accepted_recovery_code(user, shared_redis, door):
    """One SELECT, one UPDATE, two round trips, as for any other code."""
    code = generate_recovery_codes(user)[0]
    # Each process asks once whether the upgrade of recovery codes is finished.
    upgrades.is_pending(upgrades.RECOVERY_CODES)
    request = visitor()
    with counted(shared_redis) as cost:
        assert door(request, code) == user
    assert cost.database == {"SELECT": 1, "UPDATE": 1}
    assert cost.trips == 2


def test_a_wrong_recovery_code(user, shared_redis, door):
    """One SELECT, one round trip, nothing written, for a used one as well as for a wrong one."""
    used = generate_recovery_codes(user)[0]
    assert enter(None, used) == user
    for code in ("0" * 16, used):
        with counted(shared_redis) as cost:
            assert door(None, code) is None
        assert (cost.database, cost.trips, cost.jobs) == ({"SELECT": 1}, 1, [])


@pytest.mark.user_model("no password")
def test_two_codes_in_turn(user, shared_redis, settings):
    """With the policy "both" the first and the second take one more trip each: the progress."""
    use_policy(settings, "Both")
    request = visitor()
    code = ask(request)
    with counted(shared_redis) as cost, pytest.raises(AnotherCodeNeeded):
        enter(request, code)
    assert cost.database == {"SELECT": 1, "UPDATE": 1}
    assert cost.trips == 3
    with counted(shared_redis) as cost:
        assert enter(request, totp(NOW)) == user
    assert cost.database == {"SELECT": 1, "UPDATE": 1}
    assert cost.trips == 3


@pytest.mark.parametrize("others", [0, 5], ids=["one authenticator", "seven of them"])
def test_more_authenticators_cost_no_more(user, shared_redis, others):
    """All of a user's authenticators come in the one SELECT."""
    for number in range(others):
        give(user, "totp", secret=chr(ord("B") + number) * 32)
    with counted(shared_redis) as cost:
        assert enter(None, totp(NOW)) == user
    assert cost.database == {"SELECT": 1, "UPDATE": 1}
    assert cost.trips == 2


LIMITS = {
    "address": ({"guesses_per_address": 1}, "12345678"),
    "code": ({}, "1234567890"),
}


@pytest.mark.parametrize("name", [1, 2], ids=["known", "unknown"])
@pytest.mark.parametrize("scope", LIMITS)
def test_a_limited_attempt(user, shared_redis, settings, door, scope, name):
    """One round trip, and the database isn't asked: whoever goes on guessing costs next to none."""
    rates, code = LIMITS[scope]
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_LIMITS": rates}
    request = visitor()
    ask(request)
    while not limited(request):
        assert enter(request, code, username(name)) is None
    with counted(shared_redis) as cost:
        assert door(request, code, username(name)) is None
    assert limited(request).scope == scope
    assert (cost.database, cost.served, cost.trips) == ({}, {"evalsha": 1}, 1)
    assert cost.jobs == []


@pytest.mark.parametrize("budget", [0, 20], ids=["none left", "some left"])
@pytest.mark.parametrize("name", [1, 2], ids=["known", "unknown"])
def test_a_code_that_is_asked_for(user, shared_redis, settings, name, budget):
    """
    One round trip, no query and one job, which finds out whether there is a message to send.

    The session, which is the project's, is written later.
    """
    configure(
        settings,
        OTP_LIMITS={"messages_per_account": budget, "newcomers_per_neighbourhood": 0},
    )
    with counted(shared_redis) as cost:
        send_code(visitor(), username(name))
    assert (cost.database, cost.served, cost.trips) == ({}, {"evalsha": 1}, 1)
    assert cost.jobs == ["send_code"]


@pytest.mark.parametrize("name", [1, 2], ids=["known", "unknown"])
def test_a_code_for_which_the_address_has_asked_too_often(user, shared_redis, settings, name):
    """One round trip, and no job: an address can't fill the queue."""
    configure(settings, OTP_LIMITS={"asks_per_address": 0})
    with counted(shared_redis) as cost:
        send_code(visitor(), username(name))
    assert (cost.database, cost.served, cost.trips) == ({}, {"evalsha": 1}, 1)
    assert cost.jobs == []


def test_the_counts_are_of_this_server(shared_redis, settings):
    """A control: what is sent to another server is on the wire, and missing on this one."""
    with pytest.raises(AssertionError), counted(shared_redis), RedisServer() as other:
        redis.Redis.from_url(other.url).get("key")


def test_the_vectors_are_those_of_the_secret():
    """A control: the codes above belong to the secrets above."""
    assert totp(59, digits=8) == "94287082"
    assert RFC_SECRET == "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
