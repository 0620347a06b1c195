"""After a code was found right: what the policy says, and what the request and the session get."""

import logging
import time
from types import SimpleNamespace

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpResponse
from django.test import RequestFactory

from swap_user.otp import AnotherCodeNeeded, aremember_browser, limited, remember_browser
from swap_user.otp.challenges import factors_shown
from swap_user.otp.challenges.login_state import Pending
from swap_user.otp.policies import AUTHENTICATOR, RECOVERY, SENT
from swap_user.otp.store import keys
from swap_user.otp.throttling.guesses import Attempt, ReachedLimit
from swap_user.otp.verification import completion, login, outcomes
from swap_user.otp.verification.login import Claim, Limited, Login, Refused
from swap_user.otp.verification.outcomes import Outcome
from swap_user.otp.visitors import flow, known_browsers
from swap_user.otp.visitors.visitor import Visitor
from tests.support import configure, make_user, username, visitor

pytestmark = pytest.mark.django_db

FLOW = "f" * 22


class Two:
    """A policy: a sent code, and one of the app or a recovery code."""

    def groups(self, user, *, enrolled):
        return (frozenset({SENT}), frozenset({AUTHENTICATOR, RECOVERY}))


@pytest.fixture
def two(settings):
    """Require two codes."""
    configure(settings, OTP_POLICY_CLASS=f"{__name__}.Two")


def attempt(user, *, flow=FLOW, shown=(), allowed=True):
    """Return an attempt in a session, or in none, that has shown these factors."""
    claim = Claim(username(), keys.account_key_of(user), Visitor(flow=flow), lambda user: allowed)
    entries = frozenset(f"{each}@{user.pk}" for each in shown)
    return Login(claim, time.time(), Attempt(), Pending([], None, entries))


def shown_by(user, flow_id):
    """Return the factors that Redis stores for a flow."""
    claim = Claim(username(), keys.account_key_of(user), Visitor(flow=flow_id), lambda user: True)
    return factors_shown.factors(login.begin(claim, None).pending.shown, user)


# The policy


@pytest.mark.parametrize(
    ("shown", "factor", "missing"),
    [
        ((), SENT, [{AUTHENTICATOR, RECOVERY}]),
        ((), AUTHENTICATOR, [{SENT}]),
        ([SENT], AUTHENTICATOR, []),
        ([SENT], SENT, [{AUTHENTICATOR, RECOVERY}]),
    ],
)
def test_what_is_still_missing(user, two, shown, factor, missing):
    """The groups of which no factor was shown."""
    found = completion.ask_policy(attempt(user, shown=shown), user, factor, enrolled=True)
    assert list(found) == missing


@pytest.mark.parametrize(
    ("options", "factor", "reason"),
    [
        ({"flow": None}, SENT, "two codes need a session"),
        ({"allowed": False}, SENT, "inactive"),
        ({}, "password", "policy accepts no password code here"),
    ],
)
def test_what_is_refused(user, two, options, factor, reason):
    """Two codes without a session, a user who may not log in, and a factor that does not count."""
    with pytest.raises(Refused, match=reason):
        completion.ask_policy(attempt(user, **options), user, factor, enrolled=True)


def test_one_code_needs_no_session(user):
    """The default policy."""
    found = completion.ask_policy(attempt(user, flow=None), user, SENT, enrolled=True)
    assert found == ()


# An accepted code


@pytest.mark.requirement("R41")
@pytest.mark.parametrize("flow_id", [None, FLOW])
def test_the_factors_of_a_login(user, caplog, flow_id):
    """Those of the earlier steps and that of the code, which is logged."""
    caplog.set_level(logging.INFO)
    login = attempt(user, flow=flow_id, shown=[SENT])
    assert completion.accept(login, user, AUTHENTICATOR, ()) == {SENT, AUTHENTICATOR}
    assert f"code accepted: user={user.pk} factor=authenticator" in caplog.text


@pytest.mark.requirement("R53")
def test_the_first_of_two_codes(user):
    """It is recorded for the next flow of the session, and for no other user."""
    first = attempt(user)
    missing = (frozenset({AUTHENTICATOR}),)
    with pytest.raises(AnotherCodeNeeded) as raised:
        completion.accept(first, user, SENT, missing)
    assert raised.value.missing == missing
    assert shown_by(user, first.claim.visitor.next_flow) == {SENT}
    assert shown_by(user, FLOW) == frozenset()
    assert shown_by(make_user(2), first.claim.visitor.next_flow) == frozenset()


def test_a_complete_login_is_forgotten(user):
    """The next login of the same session begins again."""
    key = keys.account_key_of(user)
    factors_shown.add(key, FLOW, SENT, user)
    assert shown_by(user, FLOW) == {SENT}
    completion.accept(attempt(user, shown=[SENT]), user, AUTHENTICATOR, ())
    assert shown_by(user, FLOW) == frozenset()


# A password


@pytest.mark.requirement("R53")
def test_a_right_password(user):
    """It counts in a new flow of the session, and not in the one before."""
    request = visitor()
    before = flow.begin(request)
    completion.note_password(user, request)
    after = flow.current(request)
    assert after not in {None, before}
    assert shown_by(user, after) == {"password"}
    assert shown_by(user, before) == frozenset()


def test_a_right_password_without_a_session(user):
    """Nothing is recorded, as another visitor could go on with it."""
    request = RequestFactory().get("/")
    completion.note_password(user, request)
    assert not hasattr(request, "session")


# The beginning of an attempt


def test_an_attempt_is_that_of_a_stranger_unless_it_is_said():
    """Known browsers have limits of their own."""
    claim = Claim(username(), "account", Visitor(), lambda user: True)
    assert not login.begin(claim, "123456").attempt.is_known
    assert login.begin(claim, "123456", is_known=True).attempt.is_known


def test_an_attempt_beyond_a_limit(settings):
    """The result names the limit."""
    configure(settings, OTP_LIMITS={"guesses_per_address": "0/1h"})
    claim = Claim(username(), "account", Visitor(address="203.0.113.7"), lambda user: True)
    with pytest.raises(Limited) as raised:
        login.begin(claim, "123456")
    assert raised.value.limit.scope == "address"


# The outcome, which is noted on the request


class Wrapper:
    """A request of Django REST framework, which wraps that of Django."""

    def __init__(self, request):
        self._request = request

    def __getattr__(self, name):
        return getattr(self._request, name)


@pytest.mark.parametrize("wrap", [lambda request: request, Wrapper], ids=["Django", "wrapped"])
def test_what_is_noted(wrap):
    """The outcome and the key of the session, on the request of Django in any case."""
    limit = ReachedLimit("address", 5)
    request = visitor()
    request.session = SimpleNamespace(session_key="a key")
    outcomes.note(wrap(request), Outcome(None, "account", limited=limit))
    for each in (request, wrap(request)):
        assert outcomes.outcome_of(each).account_key == "account"
        assert outcomes.session_key_of(each) == "a key"
        assert limited(each) is limit


def test_where_nothing_is_noted():
    """Without a request, and before a code was checked; a request needs no session."""
    outcomes.note(None, Outcome(None, "account"))
    request = RequestFactory().get("/")
    assert (limited(None), limited(request), outcomes.session_key_of(request)) == (None, None, None)
    outcomes.note(request, Outcome(None, "account"))
    assert outcomes.session_key_of(request) is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("remember", [remember_browser, async_to_sync(aremember_browser)])
def test_the_browser_of_a_login_becomes_known(user, remember):
    """That of a refused code does not, nor one in which none was checked."""
    key = keys.account_key_of(user)
    for outcome, is_known in [
        (None, False),
        (Outcome(None, key), False),
        (Outcome(user, key), True),
    ]:
        request, response = visitor(), HttpResponse()
        if outcome:
            outcomes.note(request, outcome)
        remember(request, response)
        assert (known_browsers.COOKIE in response.cookies) is is_known
        assert known_browsers.of_user(user).exists() is is_known
