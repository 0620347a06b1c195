"""Apps and cookies: none is set for an app, and none is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import messages
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.models import Session
from django.test import Client

from swap_user.testing import log_in
from tests.api.clients import AppClient, logged_in
from tests.api.conftest import sent_code
from tests.support import make_user, username

pytestmark = pytest.mark.django_db

PAGE = "/account/sessions/"


@pytest.fixture
def cookies(user: Any) -> Client:
    """The cookies of the first user, who is logged in with a browser."""
    client = Client(enforce_csrf_checks=True)
    log_in(client, user)
    client.get(PAGE)
    return client


@pytest.fixture
def other(db: None) -> Any:
    """A second user."""
    return make_user(2)


def whole_life(app: AppClient, name: str) -> None:
    """Log in, look around, and log out. The client itself checks that no cookie is set."""
    logged_in(app, sent_code, name)
    assert app.get("session/").json()["user"]["username"] == name
    assert app.get("sessions/").status_code == 200
    assert app.post("session/token/").status_code == 200
    assert app.delete("session/").status_code == 204


@pytest.mark.parametrize(
    "setting",
    [
        {},
        {"SESSION_SAVE_EVERY_REQUEST": True},
        {"CSRF_COOKIE_HTTPONLY": True},
        {"MIDDLEWARE": []},
        {"SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies"},
    ],
    ids=lambda changed: "".join(changed) or "defaults",
)
def test_no_cookie_is_set(other: Any, settings: Any, setting: dict[str, Any]) -> None:
    """Whatever the project does with its own, and without any middleware."""
    for name, value in setting.items():
        setattr(settings, name, value)
    app = AppClient()
    whole_life(app, username(2))
    assert not app.client.cookies


def test_csrf_tokens_in_sessions(other: Any, settings: Any) -> None:
    """Django's middleware reads the session of each request then, but none begins."""
    settings.CSRF_USE_SESSIONS = True
    app = AppClient()
    app.varies_by_cookie = True
    whole_life(app, username(2))
    assert not Session.objects.exists()


def test_token_of_one_user_and_cookie_of_another(cookies: Client, other: Any, user: Any) -> None:
    """The token counts, at each step; the session of the cookie stays as it was."""
    before = dict(cookies.session.items())
    app = AppClient(client=cookies)
    assert app.post("code/", username=username(2), client="app").status_code == 202
    entered = app.enter(sent_code(), username(2))
    assert entered.json()["user"]["id"] == str(other.pk)
    shown = app.get("session/").json()
    assert shown["user"]["id"] == str(other.pk)
    assert len(app.get("sessions/").json()["sessions"]) == 1
    assert app.delete("session/").status_code == 204
    assert app.get("session/").status_code == 401
    assert cookies.get(PAGE).status_code == 200
    assert dict(cookies.session.items()) == before


def test_wrong_token_and_good_cookie(cookies: Client) -> None:
    """The cookie does not help."""
    assert AppClient(client=cookies, token="sut_x").get("session/").status_code == 401


def test_flow_and_good_cookie(cookies: Client, other: Any) -> None:
    """What an app asks for without a token is not done by the user of the cookie."""
    app = AppClient(client=cookies)
    app.ask(username(2))
    assert app.flow
    assert app.client_members() == {"flow": app.flow}
    assert "_swap_user_code_request" not in cookies.session


@pytest.fixture
def greeting(cookies: Client) -> Iterator[None]:
    """A project that greets users with Django's messages."""

    def greet(sender: object, request: Any, **kwargs: Any) -> None:
        messages.success(request, "Welcome!")

    user_logged_in.connect(greet)
    yield
    user_logged_in.disconnect(greet)


def test_messages(cookies: Client, greeting: None, other: Any) -> None:
    """A message for an app is shown to no user: neither to that of the cookie nor with an error."""
    app = AppClient(client=cookies)
    logged_in(app, sent_code, username(2))
    page = cookies.get(PAGE)
    assert "Welcome!" not in page.content.decode()


def test_a_known_browser_is_no_cookie(cookies: Client, user: Any) -> None:
    """The cookie of a known browser is not that of an app, which sends its own in the body."""
    first = logged_in(AppClient(), sent_code)
    cookies.cookies["swap_user_browser"] = first.known_browser
    app = logged_in(AppClient(client=cookies), sent_code)
    assert app.known_browser != first.known_browser
    again = logged_in(AppClient(known_browser=first.known_browser), sent_code)
    assert again.known_browser
