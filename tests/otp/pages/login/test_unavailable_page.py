"""The page during an outage: its look, which needs neither the database nor Redis."""

from __future__ import annotations

import re
from typing import Any

import django
import pytest
from django.test import RequestFactory

from swap_user.otp.pages.login.unavailable import unavailable_page
from tests.otp.pages.sites import neither
from tests.support import configure

# Without the marker django_db, a query fails the test.
pytestmark = neither


def page(method: str, **extra: Any) -> str:
    response = unavailable_page(getattr(RequestFactory(), method)("/login/?x=1", **extra))
    assert response.status_code == 503
    return str(response.content.decode())


def test_the_look_of_the_own_pages() -> None:
    """One stylesheet, and nothing that a strict Content-Security-Policy forbids."""
    text = page("get")
    assert re.findall(r'<link rel="stylesheet" href="([^"]*)">', text) == [
        "/static/swap_user/pages.css"
    ]
    assert re.findall(r"<style|\sstyle=|<script|\son\w+=", text) == []
    assert text.count("<h1") == text.count("<main") == 1


@pytest.mark.skipif(django.VERSION < (6, 0), reason="Django 6.0 brought nonces")
def test_a_policy_with_a_nonce(settings: Any) -> None:
    """Its stylesheet carries the nonce of Django's policy."""
    from django.middleware.csp import ContentSecurityPolicyMiddleware

    settings.SECURE_CSP = {"default-src": ["<CSP_NONCE_SENTINEL>"]}
    response = ContentSecurityPolicyMiddleware(unavailable_page)(RequestFactory().get("/login/"))
    (nonce,) = re.findall(r"'nonce-([^']+)'", response["Content-Security-Policy"])
    assert f'swap_user/pages.css" nonce="{nonce}">' in response.content.decode()


def test_it_tries_again() -> None:
    """With a button, but not after a POST, which a link can't repeat."""
    button = '<a class="swap-button" href="/login/?x=1">'
    assert button in page("get")
    assert button not in page("post")
    assert "Go back in your browser" in page("post")


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_name_of_the_site(settings: Any, method: str) -> None:
    """OTP_ISSUER, or the host."""
    host = page(method, headers={"host": "shop.example:8000"})
    assert '<p class="swap-brand">shop.example</p>' in host
    configure(settings, OTP_ISSUER="Tom & Co")
    named = page(method)
    assert '<p class="swap-brand">Tom &amp; Co</p>' in named
    assert "· Tom &amp; Co</title>" in named


def test_a_host_that_is_not_allowed(settings: Any) -> None:
    """Then the page has no name."""
    settings.ALLOWED_HOSTS = ["shop.example"]
    assert "swap-brand" not in page("get", headers={"host": "evil.example"})


def test_a_path_that_looks_like_a_host() -> None:
    """The link stays on this site: a browser takes two slashes for the beginning of a host."""
    text = page("get", PATH_INFO="//evil.example/login/")
    assert 'href="/%2Fevil.example/login/?x=1"' in text
