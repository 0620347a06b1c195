"""What an attacker, a neighbour in the same browser, or an outage can do to both pages."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.db import OperationalError, connection
from django.test import Client
from django.utils.html import escape

from swap_user.models import AddressChange
from swap_user.otp import dispatchers
from swap_user.otp.crypto import hotp
from swap_user.testing import log_in, outbox
from tests.clock import Clock
from tests.otp.pages.addresses.test_sign_up import SIGN_UP, users
from tests.otp.pages.addresses.test_undo import stored
from tests.otp.pages.login.helpers import text, wrong
from tests.support import configure, make_user, spellings, username
from tests.user_models import UserModel

pytestmark = [pytest.mark.django_db]

CHANGE = "/account/change-username/"
SIGNED = "django.contrib.sessions.backends.signed_cookies"
ODD = '"<img/src=x>"@example.com'

by_email = pytest.mark.skipif(UserModel.USERNAME_FIELD != "email", reason="needs email addresses")


@pytest.fixture(autouse=True)
def _switched_on(settings: Any, clock: Clock) -> None:
    configure(settings, OTP_SIGN_UP=True)
    settings.ALLOWED_HOSTS = ["testserver"]


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def owner(client: Client) -> Any:
    """A user who is logged in."""
    owner = make_user()
    log_in(client, owner)
    outbox.clear()
    return owner


def begin(client: Client, path: str = CHANGE, name: str = "") -> str:
    response = client.post(path, {"username": name or username(2)})
    assert response.status_code == 302, text(response)
    return outbox[-1].otp


class Away:
    """A wrapper of statements: those with a word in them find no database."""

    def __init__(self, *words: str) -> None:
        self.words = words

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if all(word in sql for word in self.words):
            raise OperationalError("the server closed the connection unexpectedly")
        return execute(sql, params, many, context)


TABLE = UserModel._meta.db_table


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("statement", ["INSERT INTO", "UPDATE", "SELECT"])
def test_the_database_goes_away(client, owner, statement):
    """503 while a change is saved, and nothing of it is stored."""
    code = begin(client)
    table = "swap_user_addresschange" if statement == "INSERT INTO" else TABLE
    with connection.execute_wrapper(Away(statement, table)):
        response = client.post(CHANGE, {"otp": code})
    assert response.status_code == 503
    assert response["Retry-After"]
    assert stored(owner) == username(1)
    assert not AddressChange.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_database_goes_away_at_a_sign_up(client):
    """503, and no half of an account."""
    code = begin(client, SIGN_UP)
    with connection.execute_wrapper(Away("INSERT INTO", "swap_user_authenticator")):
        assert client.post(SIGN_UP, {"otp": code}).status_code == 503
    assert not users().exists()


def test_redis_forgets_everything(client, owner, shared_redis):
    """Codes on their way are refused, also those that were used before."""
    code = begin(client)
    shared_redis.flush()
    assert "That code did not work" in text(client.post(CHANGE, {"otp": code}))
    stranger = Client()
    code = begin(stranger, SIGN_UP, username(3))
    stranger.post(SIGN_UP, {"otp": code})
    shared_redis.flush()
    users().filter(**{UserModel.USERNAME_FIELD: username(3)}).delete()
    begin(stranger, SIGN_UP, username(3))
    assert "did not work" in text(stranger.post(SIGN_UP, {"otp": code}))


def test_an_outage_says_when_to_come_back(client, settings, tmp_path):
    """As on the login pages."""
    code = begin(client, SIGN_UP)
    settings.CACHES = {
        "default": {**settings.CACHES["default"], "LOCATION": f"unix://{tmp_path}/none"}
    }
    for data in ({"username": username(3)}, {"otp": code}):
        response = client.post(SIGN_UP, data)
        assert (response.status_code, response["Retry-After"]) == (503, "30")


def test_sessions_in_cookies(client, settings):
    """A copy of the cookie from before the change is of no use, and neither is the code."""
    settings.SESSION_ENGINE = SIGNED
    owner = make_user()
    log_in(client, owner)
    code = begin(client)
    before = client.cookies["sessionid"].value
    assert client.post(CHANGE, {"otp": code}).status_code == 302
    assert client.get(CHANGE).status_code == 200
    thief = Client()
    thief.cookies["sessionid"] = before
    answer = thief.post(CHANGE, {"otp": code})
    assert answer.status_code in {200, 302}
    assert AddressChange.objects.count() == 1
    if hasattr(owner, "rotate_security_stamp"):
        assert thief.get(CHANGE).status_code == 302


@pytest.mark.requirement("R53")
def test_the_session_key_changes(client, owner):
    """Whoever knew the key before the code was accepted is not in."""
    code = begin(client)
    before = client.cookies["sessionid"].value
    client.post(CHANGE, {"otp": code})
    assert client.cookies["sessionid"].value != before
    thief = Client()
    thief.cookies["sessionid"] = before
    assert thief.get(CHANGE).status_code == 302


def test_a_planted_session(client):
    """Whoever planted the session of a sign-up is not logged in with its new user."""
    code = begin(client, SIGN_UP)
    planted = client.cookies["sessionid"].value
    client.post(SIGN_UP, {"otp": code})
    attacker = Client()
    attacker.cookies["sessionid"] = planted
    assert SESSION_KEY not in attacker.session


@pytest.mark.requirement("R51")
def test_acting_as_another_user(client, owner):
    """Packages for impersonation put another user into a session that has shown codes."""
    victim = make_user(5)
    code = begin(client)
    session = client.session
    session[SESSION_KEY], session[HASH_SESSION_KEY] = str(victim.pk), victim.get_session_auth_hash()
    assert session[BACKEND_SESSION_KEY]
    session.save()
    response = client.post(CHANGE, {"otp": code})
    assert "step-up" in response["Location"]
    assert client.post(CHANGE, {"username": username(7)}).status_code == 302
    assert (stored(victim), stored(owner)) == (username(5), username(1))
    assert len(outbox) == 1


def test_the_next_user_of_the_browser(client, owner):
    """A code that another user has asked for is none of theirs."""
    code = begin(client)
    asked = {key: value for key, value in client.session.items() if "swap_user" in key}
    other = make_user(5)
    log_in(client, other)
    session = client.session
    for key in ("_swap_user_address_request", "_swap_user_flow"):
        session[key] = asked[key]
    session.save()
    assert "That code did not work" in text(client.post(CHANGE, {"otp": code}))
    assert stored(other) == username(5)


def test_what_a_queue_gets(client, owner, monkeypatch):
    """Neither codes nor the token of the link, and nothing that is not JSON."""
    jobs = []
    original = dispatchers.InlineDispatcher.dispatch

    def dispatch(self: Any, job: Any, args: Any, kwargs: Any) -> None:
        jobs.append(json.dumps([str(job), args, kwargs]))
        original(self, job, args, kwargs)

    monkeypatch.setattr(dispatchers.InlineDispatcher, "dispatch", dispatch)
    codes = [begin(client), begin(Client(), SIGN_UP, username(3))]
    client.post(CHANGE, {"otp": codes[0]})
    (notice,) = [each for each in outbox.notices if "token=" in each.text]
    (token,) = re.findall(r"token=(\S+)", notice.text)
    assert len(jobs) >= 3
    for job in jobs:
        assert not any(secret in job for secret in (*codes, token, token.partition("-")[2]))


def test_what_the_log_gets(client, owner, caplog):
    """Neither addresses nor codes."""
    caplog.set_level(logging.DEBUG, "swap_user")
    code = begin(client)
    client.post(CHANGE, {"otp": wrong(code)})
    client.post(CHANGE, {"otp": code})
    stranger = Client()
    for number in (2, 3):
        stranger.post(SIGN_UP, {"username": username(number)})
    other = outbox[-1].otp
    stranger.post(SIGN_UP, {"otp": other})
    assert users().count() == 2
    written = caplog.text
    assert "address code accepted" in written
    for secret in (code, other, username(1), username(2), username(3)):
        assert secret not in written


@by_email
def test_html_in_an_address(client, owner):
    """It is escaped on every page and in every message."""
    code = begin(client, name=ODD)
    assert outbox[-1].receiver == ODD
    for response in (
        client.get(CHANGE),
        client.post(CHANGE, {"otp": wrong(code)}),
        client.post(CHANGE, {"otp": code}, follow=True),
        client.get(CHANGE),
        client.get(CHANGE, {"new": "", "username": ODD}),
    ):
        page = response.content.decode()
        assert "<img/src" not in page
        assert escape(ODD) in page
    assert stored(owner) == ODD
    (notice,) = [each for each in outbox.notices if each.kwargs.get("event") == "receiver_changed"]
    assert "<img/src" not in notice.kwargs["html"]


@by_email
def test_html_at_a_sign_up(client):
    """The same."""
    begin(client, SIGN_UP, ODD)
    for response in (client.get(SIGN_UP), client.get(f"{SIGN_UP}?new")):
        page = response.content.decode()
        assert "<img/src" not in page
        assert escape(ODD) in page


@pytest.mark.parametrize("path", [CHANGE, SIGN_UP])
@pytest.mark.parametrize(
    "typed", ["\0", "x" * 10_000, "a@b\r\nBcc: c@d.example", "+" * 300, "\U0001f600@x.example"]
)
def test_odd_texts(client, request, path, typed):
    """The form is shown again, or the answer is as for any other address."""
    if path == CHANGE:
        request.getfixturevalue("owner")
    assert client.post(path, {"username": typed}).status_code in {200, 302}
    assert client.post(path, {"otp": typed}).status_code in {200, 302}
    assert client.post(path, {"username": [typed, typed], "otp": [typed]}).status_code in {200, 302}


@pytest.mark.parametrize("path", [CHANGE, SIGN_UP])
def test_lone_surrogates(client, request, path):
    """400, as on the login pages."""
    if path == CHANGE:
        request.getfixturevalue("owner")
    kind = "application/x-www-form-urlencoded; charset=utf-7"
    for name in ("username", "otp"):
        assert client.post(path, f"{name}=%2B2AA-", content_type=kind).status_code == 400


def test_other_spellings(client):
    """They are one address, so a stranger can't get more messages or accounts with them."""
    browsers = [Client() for _ in spellings()]
    codes = [begin(each, SIGN_UP, name) for each, name in zip(browsers, spellings(), strict=True)]
    assert {each.receiver for each in outbox} == {username()}
    assert browsers[0].post(SIGN_UP, {"otp": codes[0]}).status_code == 302
    assert users().count() == 1


@pytest.mark.requirement("R33")
def test_the_same_work_for_a_code(client, monkeypatch):
    """As many codes are computed whether one was sent or the address has an account."""
    make_user(2)
    counted: list[int] = []
    original = hotp.code_at

    def code_at(*args: Any, **kwargs: Any) -> str:
        counted.append(1)
        return original(*args, **kwargs)

    found = []
    for number in (1, 2):
        visitor = Client()
        visitor.post(SIGN_UP, {"username": username(number)})
        monkeypatch.setattr(hotp, "code_at", code_at)
        counted.clear()
        visitor.post(SIGN_UP, {"otp": "12345678"})
        monkeypatch.undo()
        found.append(len(counted))
    assert found[0] == found[1] > 0


@pytest.mark.requirement("R32")
def test_cookies_and_headers_are_the_same(client):
    """Whether or not there is an account."""
    make_user(2)
    make_user(3, is_active=False)
    seen = []
    for number in (1, 2, 3):
        visitor = Client()
        response = visitor.post(SIGN_UP, {"username": username(number)})
        cookies = {name: len(each.value) for name, each in response.cookies.items()}
        headers = {name: value for name, value in response.items() if name != "Content-Length"}
        seen.append((response.status_code, response.content, headers, cookies))
    assert seen[0] == seen[1] == seen[2]


def test_nothing_is_cached(client, owner):
    """Not even the redirects."""
    begin(client)
    stranger = Client()
    for response in (
        client.get(CHANGE),
        client.post(CHANGE, {"username": username(2)}),
        stranger.get(SIGN_UP),
        stranger.post(SIGN_UP, {"username": username(3)}),
    ):
        assert "no-store" in response["Cache-Control"]


def test_other_methods(client, owner):
    """HEAD and OPTIONS send nothing."""
    for path in (CHANGE, SIGN_UP):
        assert client.head(path).status_code in {200, 302}
        assert client.options(path).status_code == 200
        assert client.put(path).status_code == 405
    assert not outbox


def test_forged_from_another_site(owner):
    """Every form has a token."""
    strict = Client(enforce_csrf_checks=True)
    log_in(strict, get_user_model()._default_manager.get())
    for path in (CHANGE, SIGN_UP):
        assert strict.post(path, {"username": username(2)}).status_code == 403
    assert not outbox


@pytest.mark.requirement("R47")
def test_strangers_leave_messages_to_users(client, owner, settings):
    """A flood of sign-ups does not stop a user from changing an address. There is a reserve."""
    configure(settings, OTP_LIMITS={"unknown_messages_per_site": "10/1d"})
    for number in range(10, 30):
        other = Client(REMOTE_ADDR=f"198.51.{number}.7")
        other.post(SIGN_UP, {"username": username(number)})
    assert len(outbox) == 8
    assert begin(client)
    assert len(outbox) == 9


@pytest.mark.requirement("R32")
@pytest.mark.parametrize("fields", [{}, {"is_active": False}])
def test_the_number_of_messages_tells_nothing(settings, fields):
    """Addresses with an account use up the same limit, so that a visitor can't count the rest."""
    configure(settings, OTP_LIMITS={"unknown_messages_per_site": "4/1d"})
    for number in range(1, 5):
        make_user(number, **fields)
        Client().post(SIGN_UP, {"username": username(number)})
    Client().post(SIGN_UP, {"username": username(9)})
    assert not outbox
