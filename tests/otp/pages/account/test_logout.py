"""The logout of the own pages: by POST, for everybody, and with a page that says so."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.test import Client

from swap_user.models import LoginSession
from swap_user.testing import log_in
from tests.otp.pages.login.helpers import text

pytestmark = pytest.mark.django_db

LOGOUT = "/account/logout/"


def test_the_session_ends(client: Client, user: Any) -> None:
    """The page says so, and names the site and the way back in."""
    log_in(client, user)
    response = client.post(LOGOUT)
    assert response.status_code == 200
    assert SESSION_KEY not in client.session
    assert not LoginSession.objects.exists()
    assert "You are logged out" in text(response)
    assert "<title>You are logged out · testserver</title>" in text(response)
    assert 'href="/account/login/"' in text(response)
    assert "no-store" in response["Cache-Control"]


def test_a_second_press(client: Client) -> None:
    """Who is logged out already is told the same, also with LoginRequiredMiddleware."""
    assert "You are logged out" in text(client.post(LOGOUT))


def test_with_middleware_that_requires_a_login(client: Client, settings: Any) -> None:
    """The page is open to all."""
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE,
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ]
    assert client.post(LOGOUT).status_code == 200


def test_only_by_post(client: Client, user: Any) -> None:
    """A link or a picture on another site logs no user out."""
    log_in(client, user)
    for method in ("get", "head", "put", "delete"):
        assert getattr(client, method)(LOGOUT).status_code == 405
    assert SESSION_KEY in client.session


def test_a_form_of_another_site(user: Any) -> None:
    """Without the token nothing happens."""
    client = Client(enforce_csrf_checks=True)
    log_in(client, user)
    assert client.post(LOGOUT).status_code == 403
    assert SESSION_KEY in client.session


def test_logout_redirect_url(client: Client, user: Any, settings: Any) -> None:
    """The project's setting decides where users go."""
    settings.LOGOUT_REDIRECT_URL = "/goodbye/"
    log_in(client, user)
    assert client.post(LOGOUT)["Location"] == "/goodbye/"


@pytest.mark.requirement("R38")
def test_next_stays_on_this_host(client: Client) -> None:
    """As after a login."""
    assert client.post(LOGOUT, {"next": "/shop/"})["Location"] == "/shop/"
    assert client.post(LOGOUT, {"next": "https://evil.example/"}).status_code == 200
