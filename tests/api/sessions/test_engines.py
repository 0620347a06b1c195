"""Sessions of apps with each session engine: their tokens, and how they differ from cookies."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.test import Client

from swap_user.api import clients
from swap_user.models import LoginSession
from swap_user.otp.sessions.app_store import TOKEN_PREFIX, is_app_key, keys_of
from tests.api.clients import AppClient, BrowserClient, logged_in
from tests.api.conftest import sent_code
from tests.api.stored import stored_sessions
from tests.otp.delivery.test_nothing_at_rest import redis_content
from tests.otp.sessions.test_new_keys import ENGINES
from tests.support import visitor

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R52")]

OTHER_KEY = "another secret key, as long as the first: 0f9J2kLq8sWc3vXz7bNm5"


@pytest.fixture(autouse=True, params=ENGINES)
def engine(request: pytest.FixtureRequest, settings: Any, tmp_path: Path) -> str:
    """Each of Django's session engines."""
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{request.param}"
    settings.SESSION_FILE_PATH = str(tmp_path)
    return str(request.param)


@pytest.fixture
def app(user: Any) -> AppClient:
    """An app that has logged in."""
    return logged_in(AppClient(), sent_code)


@pytest.fixture
def browser(user: Any) -> BrowserClient:
    """A browser that has logged in."""
    return logged_in(BrowserClient(), sent_code)


def key_of(app: AppClient) -> str:
    """Return the session key of an app."""
    return next(keys_of(app.token))


def test_a_whole_life(app: AppClient) -> None:
    """From the login over a new token to the end."""
    assert app.get("session/").status_code == 200
    former = AppClient(token=app.token)
    app.post("session/token/")
    assert former.get("session/").status_code == 401
    (listed,) = app.get("sessions/").json()["sessions"]
    assert (listed["client"], listed["is_current"]) == ("app", True)
    assert app.delete("session/").status_code == 204
    assert app.get("session/").status_code == 401
    assert not LoginSession.objects.exists()


def test_both_clients_are_listed(app: AppClient, browser: BrowserClient, engine: str) -> None:
    """And each can end the other. Sessions in signed cookies have no record."""
    found = app.get("sessions/").json()["sessions"]
    names = [each["client"] for each in found]
    assert sorted(names) == (["app"] if engine == "signed_cookies" else ["app", "browser"])
    (id_of_app,) = [each["id"] for each in found if each["client"] == "app"]
    assert browser.delete(f"sessions/{id_of_app}/").status_code == 204
    assert app.get("session/").status_code == 401
    assert browser.get("session/").status_code == 200


@pytest.mark.requirement("R27", "R41")
def test_the_token_is_stored_nowhere(
    user: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in the database nor in a cache, a file or the log; the key of the session is."""
    with caplog.at_level(logging.DEBUG):
        app = logged_in(AppClient(), sent_code)
        tokens = [app.token]
        app.ask()
        app.post("step-up/", otp=sent_code())
        tokens.append(app.token)
        app.get("session/")
    rows = [*LoginSession.objects.values(), *Session.objects.values(), stored_sessions()]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    places = [repr(rows).encode(), redis_content()]
    places += [path.name.encode() + path.read_bytes() for path in files]
    assert any(key_of(app).encode() in place for place in places)
    assert caplog.text
    for token in tokens:
        secret = token.removeprefix(TOKEN_PREFIX)
        assert len(secret) >= 43
        assert not any(secret.encode() in place for place in places)
        assert secret not in caplog.text


def test_the_key_is_no_cookie(app: AppClient) -> None:
    """Who reads a session key in the database is not logged in with it."""
    browser = BrowserClient()
    browser.client.cookies["sessionid"] = key_of(app)
    assert is_app_key(key_of(app))
    assert browser.get("session/").status_code == 401
    assert browser.client.get("/account/sessions/").status_code == 302
    assert app.get("session/").status_code == 200


def test_the_token_is_no_cookie(app: AppClient) -> None:
    """Nor is the token."""
    browser = BrowserClient()
    browser.client.cookies["sessionid"] = app.token
    assert browser.get("session/").status_code == 401


def test_the_token_opens_no_page(app: AppClient) -> None:
    """Pages know cookies only."""
    page = Client().get("/account/sessions/", headers={"Authorization": f"Bearer {app.token}"})
    assert page.status_code == 302


@pytest.mark.parametrize("prefix", ["", TOKEN_PREFIX, "app"])
def test_a_cookie_is_no_token(browser: BrowserClient, prefix: str) -> None:
    """Whatever is written in front of it."""
    value = browser.client.cookies["sessionid"].value
    assert AppClient(token=prefix + value).get("session/").status_code == 401
    assert browser.get("session/").status_code == 200


@pytest.mark.parametrize("prefix", ["", TOKEN_PREFIX])
def test_the_key_is_no_token(app: AppClient, prefix: str) -> None:
    """Nor is the key that is stored."""
    assert AppClient(token=prefix + key_of(app)).get("session/").status_code == 401


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer ", "bearer x", "Bearer sut_", "Bearer sut_\u00fc", "Bearer " + "x" * 5000],
)
def test_no_token(header: str) -> None:
    """A problem, with the challenge that RFC 6750 requires, and no cookie."""
    response = Client().get("/api/auth/session/", headers={"Authorization": header})
    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")
    assert response["WWW-Authenticate"] == "Bearer"
    assert not response.cookies


def test_scheme_in_any_case(app: AppClient) -> None:
    """RFC 9110 section 11.1."""
    header = {"Authorization": f"bEARER  {app.token} "}
    assert Client().get("/api/auth/session/", headers=header).status_code == 200


def test_another_scheme_is_not_ours() -> None:
    """A site may be behind a password of its own."""
    response = Client().get("/api/auth/session/", headers={"Authorization": "Basic YTpi"})
    assert response.status_code == 401
    assert "csrf_token" in response.json()


def test_new_secret_key(app: AppClient, settings: Any) -> None:
    """With the former one as a fallback, the app gets a new token. It outlives the fallback."""
    former = app.token
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OTHER_KEY, [settings.SECRET_KEY]
    assert app.get("session/").status_code == 200
    assert app.token != former
    settings.SECRET_KEY_FALLBACKS = []
    assert app.get("session/").status_code == 200
    assert AppClient(token=former).get("session/").status_code == 401


def test_new_secret_key_where_the_token_is_only_checked(app: AppClient, settings: Any) -> None:
    """As by the authentication class of another framework, which can't answer with a token."""
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OTHER_KEY, [settings.SECRET_KEY]
    for _ in range(2):
        assert clients.session_of(app.token, visitor()) is not None
    assert app.get("session/").status_code == 200


def test_new_secret_key_without_the_former_one(app: AppClient, settings: Any) -> None:
    """Everybody is logged out."""
    settings.SECRET_KEY = OTHER_KEY
    assert django_settings.SECRET_KEY_FALLBACKS == []
    assert app.get("session/").status_code == 401
