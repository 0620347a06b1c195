"""What the pages are made of, and the headers that they come with."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import django
import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from swap_user.testing import log_in, outbox
from tests.otp.pages.login.helpers import (
    CHECK,
    INDEX,
    LOGIN,
    RESEND,
    STEPS,
    ask,
    code,
    enter,
    field,
    text,
)
from tests.otp.pages.sites import ADMIN, OWN, only_admin
from tests.support import username
from tests.user_models import HAS_PASSWORD

pytestmark = pytest.mark.django_db

STYLES = {ADMIN: "login.css", OWN: "pages.css"}


@pytest.mark.requirement("R40")
def test_nothing_is_stored(client: Client, staff: Any, redis_away: Callable[[], None]) -> None:
    """No answer of these pages may be stored by browsers or proxies."""
    seen = [client.get(LOGIN), client.get(CHECK), client.get(RESEND), ask(client, "")]
    seen += [ask(client), client.get(CHECK), client.post(RESEND), enter(client, "1")]
    seen += [enter(client, outbox[-1].otp), client.get(LOGIN), client.get(CHECK)]
    client.logout()
    code(client)
    redis_away()
    seen += [enter(client, "123456")]
    assert {response.status_code for response in seen} == {200, 302, 405, 503}
    for response in seen:
        assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("step", STEPS)
def test_error_reports_hide_what_was_typed(client: Client, step: str) -> None:
    """All POST parameters are sensitive."""
    response = client.post(step, {"otp": "123456"})
    assert response.wsgi_request.sensitive_post_parameters == "__ALL__"


@pytest.mark.requirement("R39")
def test_code_field(client: Client) -> None:
    """One text field, which browsers and phones fill in and screen readers explain."""
    code(client)
    page = client.get(CHECK)
    attributes = field(page, "otp")
    assert attributes["type"] == "text"
    assert attributes["autocomplete"] == "one-time-code"
    assert attributes["inputmode"] == "numeric"
    assert attributes["autocapitalize"] == "off"
    assert attributes["spellcheck"] == "false"
    assert "autofocus" in attributes
    assert "maxlength" not in attributes  # it would cut a code pasted with spaces
    assert "pattern" not in attributes
    assert '<label for="id_otp"' in text(page)
    described_by = attributes["aria-describedby"]
    said = f'id="{described_by}">If there is an account for <bdi>{username()}</bdi>, a code is on'
    assert said in text(page)


@pytest.mark.requirement("R39")
def test_username_field(client: Client) -> None:
    """What the user model's username is, so that browsers fill it in."""
    page = client.get(LOGIN)
    attributes = field(page, "username")
    kind, autocomplete, label = {
        "email": ("email", "email", "Email"),
        "phone": ("tel", "tel", "Phone"),
        "username": ("text", "username", "Username"),
    }[get_user_model().USERNAME_FIELD]
    assert attributes["type"] == kind
    assert attributes["autocomplete"] == autocomplete
    assert "autofocus" in attributes
    assert re.search(rf'<label for="id_username"[^>]*>{label}', text(page))


def test_malformed_username_is_explained(client: Client) -> None:
    """A name that cannot be one is explained at its field."""
    typed, said = {
        "email": ("user1 at example.com", "Enter a valid email address."),
        "phone": ("0151 12345001", "Enter the number with its country code"),
        "username": (" ", "This field is required."),
    }[get_user_model().USERNAME_FIELD]
    response = ask(client, typed)
    assert response.status_code == 200
    assert said in text(response)
    assert unescape(field(response, "username").get("value", "").strip()) == typed.strip()
    assert "id_username_error" in field(response, "username")["aria-describedby"].split()


@pytest.mark.parametrize("step", [LOGIN, CHECK])
def test_nothing_inline(client: Client, site: str, step: str) -> None:
    """A strict Content-Security-Policy forbids it."""
    code(client)
    page = client.get(step).content.decode()
    assert re.findall(r"<style|\sstyle=|\son\w+=|javascript:", page) == []
    for script in re.findall(r"<script\b[^>]*>", page):
        assert "src=" in script
    assert f"swap_user/{STYLES[site]}" in page
    assert re.search(r'<script src="[^"]*swap_user/login.js" defer>', page)


@pytest.mark.skipif(django.VERSION < (6, 0), reason="Django 6.0 brought nonces")
@pytest.mark.parametrize("step", [LOGIN, CHECK])
def test_policy_with_a_nonce(client: Client, settings: Any, step: str) -> None:
    """All our files carry it; Django's admin does so since 6.1."""
    middleware = "django.middleware.csp.ContentSecurityPolicyMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, middleware]
    settings.SECURE_CSP = {"default-src": ["<CSP_NONCE_SENTINEL>"]}
    engine = settings.TEMPLATES[0]
    processors = engine["OPTIONS"]["context_processors"]
    processors = [*processors, "django.template.context_processors.csp"]
    options = {**engine["OPTIONS"], "context_processors": processors}
    settings.TEMPLATES = [{**engine, "OPTIONS": options}]
    code(client)
    response = client.get(step)
    (nonce,) = re.findall(r"'nonce-([^']+)'", response["Content-Security-Policy"])
    ours = re.findall(r"<(?:link|script)[^>]*/swap_user/[^>]*>", response.content.decode())
    assert len(ours) > 2
    assert all(f'nonce="{nonce}"' in tag for tag in ours)


@pytest.mark.parametrize("step", [LOGIN, CHECK])
def test_forms_carry_a_token(client: Client, step: str) -> None:
    """Every form has a CSRF token."""
    code(client)
    page = client.get(step).content.decode()
    assert page.count('method="post"') == page.count("csrfmiddlewaretoken")


@only_admin("the own pages change no password")
def test_password_pages_where_there_is_no_password(client: Client, staff: Any) -> None:
    """Nor a link to them, where the user model has none."""
    log_in(client, staff)
    expected = 200 if HAS_PASSWORD else 404
    assert client.get("/admin/password_change/").status_code == expected
    assert client.post("/admin/password_change/").status_code == expected
    assert client.get("/admin/password_change/done/").status_code == expected
    if not HAS_PASSWORD:
        assert "password_change" not in client.get(INDEX).content.decode()
