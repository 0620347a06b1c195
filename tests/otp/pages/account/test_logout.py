"""The logout of the own pages: by POST, for everybody, and with a page that says so."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.test import Client

from swap_user.models import LoginSession
from swap_user.testing import log_in
from tests.otp.pages.login.helpers import text, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("user")]

LOGOUT, METHODS, LOGIN = "/account/logout/", "/account/sign-in-methods/", "/account/login/"


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


@pytest.mark.requirement("R38")
def test_next_stays_on_this_host(client: Client) -> None:
    """As after a login."""
    assert client.post(LOGOUT, {"next": "/shop/"})["Location"] == "/shop/"
    assert client.post(LOGOUT, {"next": "https://evil.example/"}).status_code == 200


@pytest.mark.parametrize("query", ["?a=1", "?next=https://evil.example/", "?next="])
def test_an_address_with_a_query(client: Client, user: Any, query: str) -> None:
    """The page is shown, and nothing is redirected to an address that takes no GET."""
    log_in(client, user)
    assert client.post(f"{LOGOUT}{query}").status_code == 200
    assert SESSION_KEY not in client.session


def is_in(client: Client) -> bool:
    return client.get(METHODS).status_code == 200


def test_it_ends_the_session_of_this_browser_alone(client: Client, user: Any) -> None:
    """Other browsers of the user stay logged in, and in the list of sessions."""
    other = Client()
    log_in(client, user)
    log_in(other, user)
    key = client.session.session_key
    client.post(LOGOUT)
    assert (is_in(client), is_in(other)) == (False, True)
    assert not Session.objects.filter(session_key=key).exists()
    assert LoginSession.objects.get().session_key == other.session.session_key


def test_the_page_after_it_knows_nobody(client: Client, user: Any) -> None:
    """It shows neither the name nor the tabs of an account."""
    log_in(client, user)
    page = client.post(LOGOUT).content.decode()
    assert user.get_username() not in page
    assert METHODS not in page


def test_a_second_press_says_the_same(user: Any) -> None:
    """The form of before, sent once more with its token, is no error."""
    client = Client(enforce_csrf_checks=True)
    log_in(client, user)
    page = client.get(METHODS).content.decode()
    form = dict(re.findall(r'name="(csrfmiddlewaretoken)" value="(\w+)"', page))
    answers = [client.post(LOGOUT, form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert words(answers[0]) == words(answers[1])
    assert not is_in(client)


def test_forged_requests_are_refused_by_the_view_itself(user: Any, settings: Any) -> None:
    """Also where the project has no middleware against them."""
    csrf = "django.middleware.csrf.CsrfViewMiddleware"
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != csrf]
    client = Client(enforce_csrf_checks=True)
    log_in(client, user)
    assert client.post(LOGOUT).status_code == 403
    assert client.post(LOGOUT, {"csrfmiddlewaretoken": "x" * 64}).status_code == 403
    assert SESSION_KEY in client.session


@pytest.mark.parametrize("target", ["/bye/", "https://bye.example/", "swap_user:login"])
def test_the_site_says_where_to_go(client: Client, user: Any, settings: Any, target: str) -> None:
    """LOGOUT_REDIRECT_URL is a path, a name or an address elsewhere; at a second press too."""
    settings.LOGOUT_REDIRECT_URL = target
    there = LOGIN if target == "swap_user:login" else target
    log_in(client, user)
    for _ in range(2):
        response = client.post(LOGOUT)
        assert (response.status_code, response["Location"]) == (302, there)
    assert not is_in(client)


def test_every_page_of_an_account_has_the_button(client: Client, user: Any) -> None:
    """In a form with a token."""
    log_in(client, user)
    for url in (METHODS, f"{METHODS}add/", f"{METHODS}recovery-codes/", "/account/sessions/"):
        page = client.get(url).content.decode()
        (form,) = re.findall(rf'<form action="{LOGOUT}" method="post">.*?</form>', page, re.DOTALL)
        assert "csrfmiddlewaretoken" in form
        assert "Log out" in form
