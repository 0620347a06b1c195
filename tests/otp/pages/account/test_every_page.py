"""Every own page in each state: in the shipped base, and in those that a site has of its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

import swap_user
from tests.otp.pages.account.every_page import METHODS, OWN, PAGES, Visit
from tests.support import configure, username

pytestmark = pytest.mark.django_db

BASE = "swap_user/base.html"

# A site that has only the two blocks that are needed.
PLAIN = {
    "site.html": "<!doctype html><html lang='en'><head><title>{% block title %}{% endblock %}"
    "</title></head><body><main id='site'>{% block content %}{% endblock %}</main></body></html>",
    BASE: "{% extends 'site.html' %}",
}

# A site whose own blocks have the names of the blocks of the shipped base.
SAME_NAMES = {
    BASE: "<html lang='en'><head><title>{% block title %}{% endblock %}</title>"
    "{% block extra_head %}<meta name='mine'>{% endblock %}</head><body>"
    "{% block header %}<b>my header</b>{% endblock %}{% block logo %}<b>my logo</b>{% endblock %}"
    "{% block site_name %}<b>my name</b>{% endblock %}"
    "<main>{% block content %}{% endblock %}</main>"
    "{% block footer %}<b>my footer</b>{% endblock %}</body></html>",
}

# A site that changes parts of the shipped base.
CHANGED = {
    BASE: "{% extends 'swap_user/base.html' %}"
    "{% block html_attrs %} data-mine{% endblock %}"
    "{% block extra_head %}<meta name='mine'>{% endblock %}"
    "{% block logo %}<b>my logo</b>{% endblock %}{% block site_name %}My shop{% endblock %}"
    "{% block footer %}<b>my footer</b>{% endblock %}",
}

ERRORS = [name for name in PAGES if name.endswith("error")]
TABS = [name for name in PAGES if name.startswith(("methods", "add", "change", "re", "sessions"))]

FILES = ["pages.css", "login.js", "submit_once.js", "code_input.js"]


@pytest.fixture(autouse=True)
def _sign_up(settings: Any) -> None:
    configure(settings, OTP_SIGN_UP=True)


@pytest.fixture
def show(user: Any, clock: Any) -> Callable[[str], str]:
    """Show a page by its name."""

    def show(name: str) -> str:
        response = PAGES[name](Visit(user, clock))
        assert response.status_code == 200
        return str(response.content.decode())

    return show


def title_of(page: str) -> str:
    (title,) = re.findall(r"<title>(.*?)</title>", page, re.DOTALL)
    return str(title)


def heading_of(page: str) -> str:
    (heading,) = re.findall(r"<h1>(.*?)</h1>", page, re.DOTALL)
    return str(heading)


def assert_files_once(page: str) -> None:
    """Each file is there once, and nothing that a strict Content-Security-Policy forbids."""
    for file in FILES:
        assert len(re.findall(rf'<(?:link|script)\b[^>]*"[^"]*swap_user/{file}"', page)) == 1, file
    assert re.findall(r"<style|\sstyle=|\son\w+=|javascript:", page) == []
    assert all("src=" in script for script in re.findall(r"<script\b[^>]*>", page))


def test_no_template_is_left_out(user: Any, clock: Any) -> None:
    """A control: the pages above show every template of the own pages."""
    shown = set()
    for page in PAGES.values():
        clock.shift(60)
        response = page(Visit(user, clock))
        assert response.status_code == 200
        shown |= {template.name for template in response.templates}
    folder = Path(swap_user.__file__).parent / "templates" / "swap_user" / "account"
    ours = {f"swap_user/account/{file.name}" for file in folder.iterdir()}
    assert {*ours, BASE} <= shown


@pytest.mark.parametrize("name", PAGES)
def test_the_shipped_base(show: Callable[[str], str], name: str) -> None:
    """One heading, one main part, each file once, a language, and nothing inline."""
    page = show(name)
    assert page.lstrip().startswith("<!DOCTYPE html>")
    assert '<html lang="en-us" dir="ltr">' in page
    assert page.count("<h1") == page.count("<main") == page.count("</main>") == 1
    assert_files_once(page)


@pytest.mark.parametrize("name", PAGES)
def test_the_title_names_page_and_site(show: Callable[[str], str], name: str) -> None:
    """The heading and then the site. After a mistake, a screen reader says so first."""
    page = show(name)
    before = "Error: " if name in ERRORS else ""
    assert title_of(page) == f"{before}{heading_of(page)} · testserver"


@pytest.mark.parametrize("name", PAGES)
def test_what_screen_readers_need(show: Callable[[str], str], name: str) -> None:
    """Ids are unique, those that are named exist, every field has a label, a form a token."""
    page = show(name)
    ids = re.findall(r'\sid="([^"]*)"', page)
    assert len(set(ids)) == len(ids)
    named = re.findall(r'\s(?:for|aria-describedby|aria-labelledby)="([^"]*)"', page)
    named += re.findall(r'\shref="#([^"]*)"', page)
    assert {each for names in named for each in names.split()} <= set(ids)
    for tag in re.findall(r"<input\b[^>]*>", page):
        if 'type="hidden"' not in tag:
            (field_id,) = re.findall(r'\sid="([^"]*)"', tag)
            assert f'for="{field_id}"' in page
    assert page.count('method="post"') == page.count("csrfmiddlewaretoken")


@pytest.mark.parametrize("name", TABS)
def test_the_tab_of_the_page_is_marked(show: Callable[[str], str], name: str) -> None:
    """One of the two; a page below one says that it is not the page itself."""
    (current,) = re.findall(r'<a href="([^"]*)" aria-current="(\w+)"', show(name))
    place = f"{OWN}sessions/" if name == "sessions" else METHODS
    assert current == (place, "page" if name.startswith(("methods", "sessions")) else "true")


@pytest.mark.parametrize("name", PAGES)
def test_the_base_of_a_site(
    show: Callable[[str], str], use_templates: Callable[..., None], name: str
) -> None:
    """Two blocks are enough: the page brings its files along, and no main part of its own."""
    use_templates(PLAIN)
    page = show(name)
    assert page.startswith("<!doctype html><html lang='en'>")
    assert re.findall(r"<main[^>]*>", page) == ["<main id='site'>"]
    assert page.count("<div") == page.count("</div>")
    assert heading_of(page) in title_of(page)
    assert title_of(page).startswith("Error: ") is (name in ERRORS)
    assert_files_once(page)


@pytest.mark.parametrize("name", ["login", "code, error", "logged out", "methods", "sessions"])
def test_the_base_of_a_site_with_blocks_of_the_same_names(
    show: Callable[[str], str], use_templates: Callable[..., None], name: str
) -> None:
    """What is in them stays as it is."""
    use_templates(SAME_NAMES)
    page = show(name)
    for part in ("my header", "my logo", "my name", "my footer", "name='mine'", "<main>"):
        assert page.count(part) == 1


@pytest.mark.parametrize("name", ["login", "code, error", "logged out", "methods", "sessions"])
def test_a_site_changes_parts_of_the_shipped_base(
    show: Callable[[str], str], use_templates: Callable[..., None], name: str
) -> None:
    """The logo, the name, the footer: once on every page, whether it has a header or not."""
    use_templates(CHANGED)
    page = show(name)
    for part in (" data-mine>", "name='mine'", "my logo", "<span>My shop</span>", "my footer"):
        assert page.count(part) == 1
    assert page.count("<h1") == page.count("<main") == 1
    assert_files_once(page)


@pytest.mark.parametrize("name", ["login", "code, error", "methods", "logged out"])
def test_the_name_of_the_site(show: Callable[[str], str], settings: Any, name: str) -> None:
    """OTP_ISSUER, escaped; it is in the title and at the top."""
    configure(settings, OTP_ISSUER="Tom & <i>Co</i>")
    page = show(name)
    assert title_of(page).endswith(" · Tom &amp; &lt;i&gt;Co&lt;/i&gt;")
    assert "<span>Tom &amp; &lt;i&gt;Co&lt;/i&gt;</span>" in page
    assert "<i>Co" not in page


def test_without_an_issuer_it_is_the_host(client: Client) -> None:
    """Without its port."""
    page = client.get(f"{OWN}login/", headers={"host": "shop.example:8000"}).content.decode()
    assert title_of(page) == "Log in · shop.example"


@pytest.mark.parametrize(("language", "direction"), [("de", "ltr"), ("ar", "rtl"), ("he", "rtl")])
def test_the_language_of_the_page(
    client: Client, settings: Any, language: str, direction: str
) -> None:
    """It and its direction are named, for screen readers and hyphenation."""
    settings.LANGUAGE_CODE = language
    page = client.get(f"{OWN}login/").content.decode()
    assert f'<html lang="{language}" dir="{direction}">' in page


def test_an_outage_is_said_in_the_page(
    client: Client, redis_away: Callable[[], None], use_templates: Callable[..., None]
) -> None:
    """In the look of the site, while its database is there."""
    use_templates(PLAIN)
    redis_away()
    response = client.post(f"{OWN}login/", {"username": username()})
    assert response.status_code == 503
    assert response.content.startswith(b"<!doctype html><html lang='en'>")
    assert b"This is not possible right now." in response.content
