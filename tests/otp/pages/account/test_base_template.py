"""Own pages with the base template of the package, and with that of a site."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client

from swap_user.testing import log_in
from tests.otp.pages.login.helpers import text

pytestmark = pytest.mark.django_db

PAGES = [
    "/account/login/",
    "/account/sign-in-methods/",
    "/account/sign-in-methods/add/",
    "/account/sign-in-methods/recovery-codes/",
    "/account/sessions/",
]


@pytest.fixture
def own_base(settings: Any, tmp_path: Path) -> None:
    """A site whose base template has only the blocks "title" and "content"."""
    (tmp_path / "swap_user").mkdir()
    base = "<html lang=en><title>{% block title %}{% endblock %}</title><body class=mine><main>"
    base += "{% block content %}{% endblock %}</main></body></html>"
    (tmp_path / "site.html").write_text(base)
    (tmp_path / "swap_user" / "base.html").write_text('{% extends "site.html" %}')
    (templates,) = django_settings.TEMPLATES
    settings.TEMPLATES = [{**templates, "DIRS": [tmp_path]}]


@pytest.mark.parametrize("url", PAGES)
def test_a_base_template_of_the_site(url: str, client: Client, user: Any, own_base: None) -> None:
    """Each page is complete within the block, with its styles and scripts."""
    if url != PAGES[0]:
        log_in(client, user)
    page = client.get(url).content.decode()
    assert "<body class=mine>" in page
    assert page.count("swap_user/pages.css") == page.count("swap_user/login.js") == 1
    assert page.count("<main") == page.count("<h1") == 1
    assert "<title></title>" not in page


@pytest.mark.parametrize("url", PAGES)
def test_the_base_template_of_the_package(url: str, client: Client, user: Any) -> None:
    """One heading, one main part, one stylesheet, a title, and nothing that a policy blocks."""
    if url != PAGES[0]:
        log_in(client, user)
    page = client.get(url).content.decode()
    for part in ("<main", "<h1", "swap_user/pages.css", "<title>"):
        assert page.count(part) == 1, part
    assert re.search(r"<title>[^<]+ · testserver</title>", page)
    assert '<html lang="en-us" dir="ltr">' in page
    assert not re.search(r"<style|<script(?! src)|\sstyle=|\son\w+=|javascript:", page)


def test_an_error_is_in_the_title(client: Client) -> None:
    """Screen readers read it first."""
    page = client.post("/account/login/", {"username": ""}).content.decode()
    assert "<title>Error: Log in · testserver</title>" in page


def test_the_name_of_the_site(client: Client, user: Any, settings: Any) -> None:
    """OTP_ISSUER; otherwise the host name, without a port."""
    log_in(client, user)
    assert ">testserver</span>" in text(client.get("/account/sessions/", SERVER_PORT="8000"))
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_ISSUER": "My shop & co"}
    assert "My shop &amp; co" in client.get("/account/sessions/").content.decode()
