"""Known browsers: how one becomes known, what its cookie says, and how it is forgotten."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth import login
from django.core import signing
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from swap_user.models import KnownBrowser, WrongGuess
from swap_user.otp import limited, remember_browser
from swap_user.otp.authenticators.recovery_codes import generate_recovery_codes
from swap_user.otp.sessions.reset import reset_user
from swap_user.otp.sessions.sessions import end_sessions
from swap_user.otp.store import keys
from swap_user.otp.visitors import known_browsers
from swap_user.signals import new_browser_login
from swap_user.testing import outbox
from tests.support import NOW, ask, configure, enter, give, make_user, totp, username, visitor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clock")]

DAY = 86_400
YEAR = 365 * DAY


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
    return with_cookie(response.cookies[known_browsers.COOKIE].value)


def with_cookie(value):
    """Return a new request with this cookie."""
    request = visitor()
    request.COOKIES[known_browsers.COOKIE] = value
    return request


def spend(user):
    """Let strangers use up all that they have at an account."""
    for number in range(40):
        enter(visitor(REMOTE_ADDR=f"198.51.100.{number}"), "000000", user.get_username())


def is_known(request, user):
    """Say whether the browser's short codes are looked at when those of strangers are not."""
    spend(user)
    before = WrongGuess.objects.filter(user=user, is_known=True).count()
    assert enter(request, "000000", user.get_username()) is None
    assert limited(request) is None
    return WrongGuess.objects.filter(user=user, is_known=True).count() == before + 1


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


def test_what_the_database_knows_does_not_make_a_cookie(user):
    """It holds a keyed hash of the id in the cookie, the time, and what the owner recognizes."""
    request = known(user)
    row = KnownBrowser.objects.get(user=user)
    browser = known_browsers.read(request)
    assert row.browser == browser.hash
    assert browser.id not in row.browser
    assert row.logged_in_at.timestamp() == NOW


def test_no_login_no_cookie(user):
    """A wrong code does not make a browser known."""
    request, response = visitor(), HttpResponse()
    enter(request, "000000")
    remember_browser(request, response)
    assert known_browsers.COOKIE not in response.cookies
    assert not KnownBrowser.objects.exists()


def test_it_is_known_for_its_own_accounts_only(user):
    """A cookie of one account is worth nothing for another."""
    other = make_user(2)
    request = known(other)
    assert not is_known(request, user)
    assert is_known(request, other)


def test_a_cookie_without_its_row(user):
    """A signature alone is worth nothing: the owner has deleted the row."""
    request = known(user)
    KnownBrowser.objects.filter(user=user).delete()
    assert not is_known(request, user)


def test_a_row_without_the_account_in_the_cookie(user):
    """Five other accounts have logged in there since."""
    request = known(user)
    browser = known_browsers.read(request)
    request.COOKIES[known_browsers.COOKIE] = signing.dumps(
        [browser.id, ["another account"]], salt=known_browsers.SALT
    )
    assert not is_known(request, user)


def test_the_row_of_another_browser(user):
    """Known is the browser, not the account."""
    known(user)
    request = visitor()
    request.COOKIES[known_browsers.COOKIE] = signing.dumps(
        ["another id", [keys.account_key(username())]], salt=known_browsers.SALT
    )
    assert not is_known(request, user)


def test_several_accounts_in_one_browser():
    """Five are remembered; the longest ago goes first."""
    users = [make_user(number) for number in range(1, 8)]
    request, response = visitor(), HttpResponse()
    ids = set()
    with time_machine.travel(NOW, tick=False) as clock:
        for user in users:
            clock.shift(1)
            name = user.get_username()
            assert enter(request, ask(request, name), name) == user
            remember_browser(request, response)
            request.COOKIES[known_browsers.COOKIE] = response.cookies[known_browsers.COOKIE].value
            ids.add(known_browsers.read(request).id)
    cookie = known_browsers.read(request)
    names = [keys.account_key(user.get_username()) for user in users]
    assert [name in cookie.accounts for name in names] == [False] * 2 + [True] * 5
    assert len(ids) == 1


@pytest.mark.requirement("R47")
def test_an_account_has_ten_browsers(user, clock):
    """The one whose login is the longest ago is forgotten."""
    requests = []
    for _ in range(12):
        requests.append(known(user))
        clock.shift(60)
    assert KnownBrowser.objects.filter(user=user).count() == 10
    assert [is_known(request, user) for request in requests] == [False] * 2 + [True] * 10


def test_a_login_every_day_keeps_a_browser(user, clock):
    """The time is stored once a day; eleven newer browsers don't push it out."""
    home = known(user)
    for _ in range(11):
        clock.shift(DAY)
        assert enter(home, ask(home)) == user
        remember_browser(home, HttpResponse())
        known(user)
    clock.shift(DAY - 1)
    assert KnownBrowser.objects.filter(user=user).count() == 10
    assert is_known(home, user)


ODD = {
    "of the alpha": lambda: signing.dumps(["id", {"a": [1, ""]}], salt=known_browsers.SALT),
    "empty": lambda: "",
    "unsigned": lambda: "x",
    "of another purpose": lambda: signing.dumps(["id", {}]),
    "a list": lambda: signing.dumps(["id", []], salt=known_browsers.SALT),
    "a dict": lambda: signing.dumps({"id": 1}, salt=known_browsers.SALT),
    "a number": lambda: signing.dumps([7, {}], salt=known_browsers.SALT),
    "odd times": lambda: signing.dumps(["id", {"a": "b", "c": None}], salt=known_browsers.SALT),
    "odd names": lambda: signing.dumps(["id", [None, 7, [], "a"]], salt=known_browsers.SALT),
    "another id": lambda: signing.dumps(["\ud800", ["a"]], salt=known_browsers.SALT),
}


@pytest.mark.parametrize("value", ODD.values(), ids=ODD.keys())
def test_a_cookie_that_is_not_ours(user, value):
    """Forged, of another purpose, or odd: a stranger, and no exception."""
    request = visitor()
    request.COOKIES[known_browsers.COOKIE] = value()
    assert not is_known(request, user)


def test_a_cookie_of_an_earlier_release(clock):
    """Signed at NOW with the SECRET_KEY of the tests: it must stay valid."""
    request = visitor()
    request.COOKIES[known_browsers.COOKIE] = (
        "WyJhbiBpZCIsWyJhMGVlNDNkYTAwZDM0MzM5YWEzODk0OWZkNWI4Y2M4ZSJdXQ"
        ":1xocE4:NhmlQbx5ebPs5_vWZewJR2QewfPw1EeNAw9mi9iRtHE"
    )
    browser = known_browsers.read(request)
    assert (browser.id, browser.accounts) == ("an id", [keys.account_key("user1@example.com")])
    clock.shift(YEAR + 1)
    assert known_browsers.read(request) is None


def test_it_ends_after_a_year(user, clock):
    """Without a login; a login begins the year again."""
    home = known(user)
    clock.shift(YEAR - DAY)
    assert is_known(home, user)
    response = HttpResponse()
    assert enter(home, ask(home)) == user
    remember_browser(home, response)
    home = again(response)
    clock.shift(2 * DAY)
    assert is_known(home, user)
    clock.shift(YEAR)
    assert not is_known(home, user)


def test_a_copy_of_a_cookie_ends_after_a_year(user, clock):
    """A thief's, while the browser itself is used every day and gets new ones."""
    stolen = known(user)
    clock.shift(YEAR + 1)
    row = KnownBrowser.objects.get()
    row.logged_in_at += timedelta(seconds=YEAR)
    row.save()
    assert not is_known(stolen, user)


def test_a_row_ends_after_a_year(user, clock):
    """Though the cookie is newer by some hours: the time is stored once a day."""
    home = known(user)
    clock.shift(DAY / 2)
    response = HttpResponse()
    assert enter(home, ask(home)) == user
    remember_browser(home, response)
    home = again(response)
    clock.shift(YEAR - DAY / 2)
    assert is_known(home, user)
    clock.shift(1)
    assert not is_known(home, user)


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


@pytest.mark.requirement("R45")
def test_a_revoked_browser_stays_revoked(user, clock, shared_redis):
    """Whatever Redis forgets, and whenever."""
    home, work = known(user), known(user)
    shared_redis.flush()
    end_sessions(user, keep=home)
    shared_redis.flush()
    cache.clear()
    assert not is_known(work, user)
    assert is_known(home, user)
    clock.shift(YEAR / 2)
    assert not is_known(work, user)


@pytest.mark.requirement("R45")
def test_a_login_does_not_bring_back_copies_of_a_revoked_cookie(user, clock):
    """The browser is known again, under another id: a thief has its cookie of before."""
    home, other = known(user), make_user(2)
    stolen = with_cookie(home.COOKIES[known_browsers.COOKIE])
    assert enter(home, ask(home, other.get_username()), other.get_username()) == other
    response = HttpResponse()
    remember_browser(home, response)
    both = again(response)
    assert is_known(both, user)
    assert is_known(both, other)
    end_sessions(user)
    clock.shift(1)
    assert enter(both, ask(both)) == user
    response = HttpResponse()
    remember_browser(both, response)
    assert is_known(again(response), user)
    assert not is_known(stolen, user)
    assert not is_known(both, user)


def test_a_reset_revokes_browsers_and_lifts_limits(user, clock):
    """A fresh start: short codes count again, for everybody."""
    home = known(user)
    spend(user)
    clock.shift(1)
    reset_user(user)
    assert not KnownBrowser.objects.exists()
    assert not WrongGuess.objects.filter(user=user).exists()
    request = visitor()
    assert len(ask(request)) == 6
    assert not is_known(home, user)


def test_a_login_from_a_new_browser_is_told(user, notices):
    """Once, as a signal and to the owner: the second comes from a browser that is known."""
    seen = []

    def receiver(sender, user, request, **kwargs):
        seen.append(user)

    first = visitor()
    assert enter(first, ask(first)) == user  # no notice would be sent of the first login
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


@pytest.mark.parametrize("kind", ["sent", "long", "recovery", "totp"])
def test_all_codes_tell_whether_the_browser_is_known(user, notices, settings, kind):
    """Whatever lets the owner in."""
    home, new = known(user), visitor()
    recovery_codes = generate_recovery_codes(user)
    configure(settings, OTP_DIGITS=10 if kind == "long" else 6)
    codes = {
        "sent": ask,
        "long": ask,
        "recovery": lambda request: recovery_codes.pop(),
        "totp": lambda request: totp(NOW + 30 * (request is new)),
    }
    notices.clear()
    login(home, enter(home, codes[kind](home)))
    assert [text for _, text in notices if "not used before" in text] == []
    login(new, enter(new, codes[kind](new)))
    assert len([text for _, text in notices if "not used before" in text]) == 1


def test_a_name_that_was_somebody_elses(user):
    """The browser of the name's former owner is not known, and the new owner is not locked out."""
    old = known(user)
    # A deletion and save() revoke the browser at once; this can't be seen.
    type(user).objects.filter(pk=user.pk).update(**{user.USERNAME_FIELD: username(9)})
    new = make_user()
    give(new)
    assert not is_known(old, new)
    WrongGuess.objects.filter(user=new).delete()
    assert enter(visitor(), totp(NOW)) == new


def test_a_new_name_of_the_same_user(user):
    """The cookie names the account by its name: the browser is unknown until the next login."""
    home = known(user)
    type(user).objects.filter(pk=user.pk).update(**{user.USERNAME_FIELD: username(9)})
    user.refresh_from_db()
    assert not is_known(home, user)


def remember(user, cookie=None, **headers):
    """Make a browser known without a login, and return its new cookie."""
    request, response = visitor(**headers), HttpResponse()
    if cookie:
        request.COOKIES[known_browsers.COOKIE] = cookie.value
    known_browsers.remember(request, response, keys.account_key_of(user), user)
    return response.cookies[known_browsers.COOKIE]


def test_whose_rows_are_read_and_revoked(user):
    """Those of the user, also if another one has logged in with the same browser."""
    other = make_user(2)
    both = remember(other, remember(user))
    remember(other)
    browser = known_browsers.read(with_cookie(both.value))
    assert [row.user_id for row in known_browsers.of_user(user)] == [user.pk]
    assert known_browsers.is_known(browser.hash, user)
    known_browsers.revoke(user)
    assert not known_browsers.is_known(browser.hash, user)
    assert known_browsers.is_known(browser.hash, other)
    known_browsers.revoke(other, keep=browser)
    assert [row.browser for row in known_browsers.of_user(other)] == [browser.hash]


def test_only_the_oldest_browsers_of_the_same_user_are_deleted(user, clock):
    """An account has ten, and another account keeps its own."""
    other = make_user(2)
    remember(other)
    cookies = []
    for _ in range(12):
        clock.shift(1)
        cookies.append(remember(user))
    kept = {known_browsers.read(with_cookie(each.value)).hash for each in cookies[2:]}
    assert {row.browser for row in known_browsers.of_user(user)} == kept
    assert known_browsers.of_user(other).count() == 1


@pytest.mark.parametrize(("seconds", "is_recent"), [(0, True), (YEAR, True), (YEAR + 1, False)])
def test_how_long_a_browser_is_known(seconds, is_recent):
    """A year after its last login, and never without one."""
    seen_at = timezone.now() - timedelta(seconds=seconds)
    assert known_browsers.is_recent(seen_at) is is_recent
    assert not known_browsers.is_recent(None)


@pytest.mark.parametrize(("seconds", "is_stored"), [(DAY - 1, False), (DAY, True)])
def test_a_login_is_stored_again_after_a_day(user, clock, seconds, is_stored):
    """With the time, the user agent and the network of the new login."""
    cookie = remember(user, HTTP_USER_AGENT="old", REMOTE_ADDR="203.0.113.7")
    clock.shift(seconds)
    remember(user, cookie, HTTP_USER_AGENT="new", REMOTE_ADDR="198.51.100.7")
    row = KnownBrowser.objects.get()
    found = (row.logged_in_at.timestamp(), row.user_agent, row.network)
    new = (NOW + seconds, "new", "198.51.100.0/24")
    assert found == (new if is_stored else (NOW, "old", "203.0.113.0/24"))


def test_a_cookie_holds_each_account_once(user):
    """The account of the last login comes last."""
    other = make_user(2)
    cookie = remember(user, remember(other, remember(user)))
    accounts = known_browsers.read(with_cookie(cookie.value)).accounts
    assert accounts == [keys.account_key_of(other), keys.account_key_of(user)]


def test_where_browsers_send_the_cookie(user, settings):
    """Where they send that of the session."""
    settings.SESSION_COOKIE_PATH, settings.SESSION_COOKIE_DOMAIN = "/shop/", "example.com"
    cookie = remember(user)
    assert (cookie["path"], cookie["domain"]) == ("/shop/", "example.com")


def test_only_text_is_read_from_a_cookie():
    """Other values in the list of accounts are left out."""
    assert known_browsers.read(with_cookie(ODD["odd names"]())).accounts == ["a"]


def test_the_cookie_of_a_tenant(monkeypatch):
    """It is read for this tenant only, also if it was signed by an earlier release."""
    request = with_cookie(signing.dumps(["id", ["a"]], salt="swap_user.browser:tenant"))
    for scope, is_read in [("tenant", True), ("other", False), ("", False)]:
        monkeypatch.setattr(keys, "scope", lambda scope=scope: scope)
        assert (known_browsers.read(request) is not None) is is_read
