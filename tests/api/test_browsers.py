"""Pages with scripts: the session cookie, and the check against forged requests."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils.crypto import get_random_string

from swap_user.models import LoginSession
from swap_user.otp.sessions import records
from swap_user.testing import log_in, outbox
from tests.api.clients import BASE, AppClient, BrowserClient, logged_in
from tests.api.conftest import sent_code
from tests.clock import Clock
from tests.support import configure, username

pytestmark = pytest.mark.django_db

CSRF = "django.middleware.csrf.CsrfViewMiddleware"
AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
LOGIN_REQUIRED = "django.contrib.auth.middleware.LoginRequiredMiddleware"
ENROLLMENT = "swap_user.middleware.EnrollmentMiddleware"
LOGIN_SESSION = "swap_user.middleware.LoginSessionMiddleware"

# What a project can do with the token, besides nothing.
WAYS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "in sessions": {"CSRF_USE_SESSIONS": True},
    "in a cookie for the server alone": {"CSRF_COOKIE_HTTPONLY": True},
    "under another name": {"CSRF_COOKIE_NAME": "xsrf"},
    "sessions saved always": {"SESSION_SAVE_EVERY_REQUEST": True},
    "sessions in cookies": {"SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies"},
}

# Requests that change something.
CHANGES = [
    ("POST", "code/"),
    ("POST", "session/"),
    ("DELETE", "session/"),
    ("POST", "session/token/"),
    ("POST", "step-up/"),
    ("DELETE", "sessions/"),
    ("DELETE", "sessions/1/"),
    ("POST", "authenticators/"),
    ("POST", "authenticators/1/confirm/"),
    ("PATCH", "authenticators/1/"),
    ("DELETE", "authenticators/1/"),
    ("POST", "recovery-codes/"),
    ("POST", "username/"),
    ("POST", "username/confirm/"),
]


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def way(request: pytest.FixtureRequest, settings: Any) -> Any:
    """Each way to keep the token."""
    for name, value in request.param.items():
        setattr(settings, name, value)
    return request.param


@pytest.fixture
def browser(user: Any) -> BrowserClient:
    """A browser that has logged in."""
    return logged_in(BrowserClient(), sent_code)


def whole_life(browser: BrowserClient) -> None:
    """Log in, and do things that change something."""
    logged_in(browser, sent_code)
    assert browser.post("session/token/").status_code == 200
    assert browser.post("authenticators/", name="Phone").status_code == 201
    assert browser.delete("sessions/").status_code in {200, 204}
    assert browser.get("session/").status_code == 200
    assert browser.delete("session/").status_code == 204
    assert browser.get("session/").status_code == 401


def test_a_page_that_was_never_rendered(user: Any, way: dict[str, Any]) -> None:
    """It gets its token with the answer that it is not logged in."""
    browser = BrowserClient()
    first = browser.get("session/")
    assert first.status_code == 401
    assert len(first.json()["csrf_token"]) == 64
    assert first["WWW-Authenticate"] == "Bearer"
    whole_life(browser)


def test_a_page_that_was_reloaded(browser: BrowserClient, way: dict[str, Any]) -> None:
    """It gets its token with its session."""
    if "SESSION_ENGINE" in way:
        pytest.skip("the session of before is gone")
    again = BrowserClient(client=browser.client)
    assert again.get("session/").status_code == 200
    assert again.post("session/token/").status_code == 200


def test_the_token_of_a_rendered_page(user: Any, way: dict[str, Any]) -> None:
    """Both have the same secret."""
    browser = BrowserClient()
    page = browser.client.get("/account/login/")
    browser.csrf_token = str(page.context["csrf_token"])
    whole_life(browser)


def test_without_a_token(user: Any, way: dict[str, Any]) -> None:
    """Nothing is sent."""
    browser = BrowserClient()
    assert browser.ask().json()["code"] == "csrf_failed"
    browser.start()
    token, browser.csrf_token = browser.csrf_token, ""
    assert browser.ask().json()["code"] == "csrf_failed"
    browser.csrf_token = get_random_string(64)
    assert browser.ask().json()["code"] == "csrf_failed"
    assert not outbox
    browser.csrf_token = token
    assert browser.ask().status_code == 202


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_every_change_needs_the_token(browser: BrowserClient, method: str, path: str) -> None:
    """Without it, 403 and nothing else; the session goes on."""
    before = len(outbox)
    token, browser.csrf_token = browser.csrf_token, ""
    members = {"username": username(), "otp": "1", "name": "x"}
    if path in {"session/", "sessions/", "sessions/1/"} and method == "DELETE":
        members = {}
    response = browser.send(method, path, **members)
    assert (response.status_code, response.json()["code"]) == (403, "csrf_failed")
    assert len(outbox) == before
    browser.csrf_token = token
    assert browser.get("session/").status_code == 200


def test_every_change_is_listed() -> None:
    """A control: these are all of the API."""
    from swap_user.api.resources import OPERATIONS

    routes = {(each.method, each.route.replace("<str:id>", "1")) for each in OPERATIONS}
    found = {each for each in routes if each[0] != "GET"}
    # A sign-up has no user before it, and is tested with the others of its kind.
    assert {each for each in found if "sign-up" not in each[1]} == {*CHANGES}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.requirement("R26")
def test_no_get_changes_anything(user: Any, method: str) -> None:
    """Nor is a code taken from an address."""
    client = Client()
    client.get(BASE + "session/")
    for path in ("code/", "session/", "step-up/"):
        client.generic(method, f"{BASE}{path}?username={username()}&otp=123456&client=app")
    assert not outbox


def test_token_changes_with_the_login(user: Any) -> None:
    """As on pages: who has planted a token has none any more."""
    browser = BrowserClient().start()
    planted = browser.csrf_token
    logged_in(browser, sent_code)
    browser.csrf_token = planted
    assert browser.delete("session/").json()["code"] == "csrf_failed"


def test_another_origin(browser: BrowserClient, settings: Any) -> None:
    """The token alone is not enough; a trusted origin is."""
    headers = {"X-CSRFToken": browser.csrf_token, "Origin": "https://evil.example"}
    url = f"{BASE}session/token/"
    assert browser.client.post(url, headers=headers).json()["code"] == "csrf_failed"
    settings.CSRF_TRUSTED_ORIGINS = ["https://evil.example"]
    assert browser.client.post(url, headers=headers).status_code == 200


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "multipart/form-data; boundary=" + "x" * 300,
    ],
)
def test_a_form_of_another_site(browser: BrowserClient, method: str, kind: str) -> None:
    """It can't send the header, and a body that is no form is no error of the server."""
    path = {"POST": "recovery-codes/", "DELETE": "sessions/"}[method]
    part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n'
    for body in (b"", b"x", part, b"a=1&" * 2000):
        response = browser.client.generic(method, BASE + path, body, content_type=kind)
        assert (response.status_code, response.json()["code"]) == (403, "csrf_failed")
    assert browser.get("recovery-codes/").json() == {"left": 0}


@pytest.mark.parametrize(
    ("removed", "added"),
    [
        (CSRF, ""),
        (AUTHENTICATION, ""),
        ("django.contrib.messages.middleware.MessageMiddleware", ""),
        ("", LOGIN_REQUIRED),
        ("", ENROLLMENT),
        ("", LOGIN_SESSION),
    ],
    ids=lambda path: path.rpartition(".")[2],
)
def test_middleware(user: Any, settings: Any, removed: str, added: str) -> None:
    """Less and more of it: both clients can log in, and the token is checked."""
    kept = [each for each in settings.MIDDLEWARE if each != removed]
    settings.MIDDLEWARE = [*kept, added] if added else kept
    forged = BrowserClient().start()
    forged.csrf_token = ""
    assert forged.ask().json()["code"] == "csrf_failed"
    whole_life(BrowserClient().start())
    app = AppClient(varies_by_cookie=added == LOGIN_REQUIRED)
    logged_in(app, sent_code)
    assert app.get("session/").status_code == 200


def test_without_sessions(user: Any, settings: Any) -> None:
    """A project for apps alone has no middleware; a browser is answered with a problem."""
    settings.MIDDLEWARE = []
    browser = BrowserClient()
    for response in (browser.get("session/"), browser.ask()):
        assert 400 <= response.status_code < 500
    logged_in(AppClient(), sent_code)


def test_middleware_of_sessions_follows_apps_too(clock: Clock, user: Any, settings: Any) -> None:
    """The API itself notes when an app was seen, and the middleware touches only cookies."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, LOGIN_SESSION]
    app = logged_in(AppClient(), sent_code)
    records._seen.clear()
    clock.shift(3600)
    app.get("session/")
    (row,) = LoginSession.objects.all()
    assert (row.last_seen_at - row.created_at).total_seconds() >= 3600


def test_enrollment_is_answered_by_the_api(user: Any, settings: Any) -> None:
    """With a problem, and not with the redirect of the middleware."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, ENROLLMENT]
    configure(settings, OTP_POLICY_CLASS="tests.otp.enforcement.project.AtOnce")
    browser = logged_in(BrowserClient(), sent_code)
    assert browser.get("sessions/").json()["code"] == "enrollment_needed"
    assert browser.get("session/").status_code == 200


def test_logged_in_on_a_page(user: Any) -> None:
    """The session is that of the pages, and ends on both."""
    browser = BrowserClient()
    log_in(browser.client, user)
    assert browser.get("session/").json()["user"]["username"] == username()
    assert browser.delete("session/").status_code == 204
    assert browser.client.get("/account/sessions/").status_code == 302


@pytest.mark.requirement("R35")
def test_new_session_at_the_login(user: Any) -> None:
    """Who has planted a session key is not logged in with it."""
    browser = BrowserClient().start()
    browser.ask()
    planted = browser.client.cookies["sessionid"].value
    browser.enter(sent_code())
    assert browser.client.cookies["sessionid"].value != planted
    other = BrowserClient()
    other.client.cookies["sessionid"] = planted
    assert other.get("session/").status_code == 401


def test_known_browser(user: Any) -> None:
    """A browser gets the same cookie as on the pages."""
    browser = logged_in(BrowserClient(), sent_code)
    cookie = browser.client.cookies["swap_user_browser"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
