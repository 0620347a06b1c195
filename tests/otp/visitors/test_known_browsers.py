"""Known browsers: how one becomes known, what its cookie says, and how it is forgotten."""

import pytest
import time_machine
from django.contrib.auth import login
from django.core import signing
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from swap_user.otp import limited, remember_browser
from swap_user.otp.authenticators.recovery_codes import generate_recovery_codes
from swap_user.otp.sessions.reset import reset_user
from swap_user.otp.sessions.sessions import end_sessions
from swap_user.otp.store import keys
from swap_user.otp.visitors import known_browsers
from swap_user.signals import new_browser_login
from swap_user.testing import outbox
from tests.support import NOW, ask, enter, give, make_user, totp, username, visitor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clock")]

YEAR = 365 * 86_400


@pytest.fixture
def user():
    user = make_user(is_staff=True)
    give(user)
    return user


def known(user):
    """Return a request of a browser that has logged in to this account."""
    request, response = visitor(), HttpResponse()
    assert enter(request, ask(request, user.get_username()), user.get_username()) == user
    remember_browser(request, response)
    return again(response)


def again(response):
    """Return a new request that sends the cookie back."""
    request = visitor()
    request.COOKIES[known_browsers.COOKIE] = response.cookies[known_browsers.COOKIE].value
    return request


def spend(name=None):
    """Let strangers use up all that they have."""
    while not limited(request := visitor()):
        enter(request, "000000", name)
        if limited(request):
            return
    raise AssertionError


def is_known(request, user):
    """Say whether the browser's short codes count when those of strangers don't."""
    spend(user.get_username())
    enter(request, "000000", user.get_username())
    return limited(request) is None


def test_a_stranger_and_a_known_browser(user):
    """What strangers use up is not the browser's that has logged in."""
    home = known(user)
    assert is_known(home, user)
    assert enter(home, totp(NOW)) == user
    assert not is_known(visitor(), user)


def test_the_pages_set_the_cookie(user, settings):
    """HttpOnly, Lax, as secure as the session's, for the whole site; no name and no id in it."""
    settings.SESSION_COOKIE_SECURE = True
    client = Client()
    page = {"secure": True}
    client.post(reverse("admin:login"), {"username": username()}, **page)
    response = client.post(reverse("admin:check-otp"), {"otp": outbox[-1].otp}, **page)
    cookie = response.cookies[known_browsers.COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Lax", True)
    assert (cookie["path"], cookie["max-age"]) == ("/", YEAR)
    assert username() not in str(signing.loads(cookie.value, salt=known_browsers.SALT))


def test_no_login_no_cookie(user):
    """A wrong code does not make a browser known."""
    request, response = visitor(), HttpResponse()
    enter(request, "000000")
    remember_browser(request, response)
    assert known_browsers.COOKIE not in response.cookies


def test_it_is_known_for_its_own_accounts_only(user):
    """A cookie of one account is worth nothing for another."""
    other = make_user(2)
    request = known(other)
    assert not is_known(request, user)
    assert is_known(request, other)


def test_several_accounts_in_one_browser():
    """Five are remembered; the longest ago goes first."""
    users = [make_user(number) for number in range(1, 8)]
    request, response = visitor(), HttpResponse()
    with time_machine.travel(NOW, tick=False) as clock:
        for user in users:
            clock.shift(1)
            name = user.get_username()
            assert enter(request, ask(request, name), name) == user
            remember_browser(request, response)
            request.COOKIES[known_browsers.COOKIE] = response.cookies[known_browsers.COOKIE].value
    cookie = known_browsers.read(request)
    names = [keys.account_key(user.get_username()) for user in users]
    assert [name in cookie.logins for name in names] == [False] * 2 + [True] * 5


ODD = {
    "empty": lambda: "",
    "unsigned": lambda: "x",
    "of another purpose": lambda: signing.dumps(["id", {}]),
    "a list": lambda: signing.dumps(["id", []], salt=known_browsers.SALT),
    "a dict": lambda: signing.dumps({"id": 1}, salt=known_browsers.SALT),
    "a number": lambda: signing.dumps([7, {}], salt=known_browsers.SALT),
    "odd times": lambda: signing.dumps(["id", {"a": "b", "c": None}], salt=known_browsers.SALT),
}


@pytest.mark.parametrize("value", ODD.values(), ids=ODD.keys())
def test_a_cookie_that_is_not_ours(user, value):
    """Forged, of another purpose, or odd: a stranger, and no exception."""
    request = visitor()
    request.COOKIES[known_browsers.COOKIE] = value()
    assert not is_known(request, user)


def test_it_ends_after_a_year(user, clock):
    """The cookie carries its time."""
    home = known(user)
    clock.shift(YEAR + 1)
    assert not is_known(home, user)


@pytest.mark.parametrize(
    "odd", ["x", None, 1e300, [], [None, ""], [float("nan"), ""], [NOW * 1000 + 10_000_000, ""]]
)
def test_odd_times_in_a_signed_cookie(user, odd):
    """Such a cookie raises no exception, and a time in the future gains nothing."""
    request = visitor()
    account = keys.account_key(username())
    request.COOKIES[known_browsers.COOKIE] = signing.dumps(
        ["id", {account: odd}], salt=known_browsers.SALT
    )
    assert not is_known(request, user)


@pytest.mark.requirement("R36")
def test_the_end_of_sessions_revokes_browsers(user, clock):
    """All but the one that changed something; who logs in again is known again."""
    home, work = known(user), known(user)
    clock.shift(1)
    end_sessions(user, keep=home)
    assert not is_known(work, user)
    assert is_known(home, user)
    clock.shift(1)
    code = generate_recovery_codes(user)[0]
    response = HttpResponse()
    assert enter(work, code) == user
    remember_browser(work, response)
    assert is_known(again(response), user)


def test_a_reset_revokes_browsers_and_lifts_limits(user, clock):
    """A fresh start: short codes count again, for everybody."""
    home = known(user)
    spend()
    clock.shift(1)
    reset_user(user)
    request = visitor()
    enter(request, "000000")
    assert limited(request) is None
    assert not is_known(home, user)


def test_a_login_from_a_new_browser_is_told(user, notices):
    """Once, as a signal and to the owner: the second comes from a browser that is known."""
    seen = []

    def receiver(sender, user, request, **kwargs):
        seen.append(user)

    new_browser_login.connect(receiver)
    try:
        request = visitor()
        found = enter(request, ask(request))
        login(request, found)
        assert seen == [user]
        home = known(user)
        login(home, enter(home, ask(home)))
        assert seen == [user]
        ((told, text),) = notices
        assert told == user
        assert "in a browser where it was not used before" in text
    finally:
        new_browser_login.disconnect(receiver)


def test_a_known_browser_has_a_budget_too(user):
    """Then it is a stranger like others; the shorter of its codes goes with it."""
    home = known(user)
    spend()
    for _ in range(50):
        enter(home, "000000")
        assert limited(home) is None
    enter(home, "000000")
    assert limited(home).scope == "account"
    assert len(ask(home)) == 10


def test_a_name_that_was_somebody_elses(user):
    """The browser of the name's former owner is not known, and the new owner is not locked out."""
    old = known(user)
    # A deletion and save() revoke the browser at once; this can't be seen.
    type(user).objects.filter(pk=user.pk).update(**{user.USERNAME_FIELD: username(9)})
    new = make_user()
    give(new)
    assert enter(old, totp(NOW)) is None
    assert enter(visitor(), totp(NOW)) == new
    assert not is_known(old, new)
