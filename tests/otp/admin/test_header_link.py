"""The link to the sign-in methods in the header of the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import path

from swap_user.otp.sites import OTPAdminSite
from swap_user.testing import log_in
from tests.otp.pages.login.helpers import INDEX, LOGIN
from tests.otp.pages.methods.helpers import METHODS
from tests.support import make_user

pytestmark = pytest.mark.django_db

urlpatterns = [path("admin/", admin.site.urls), path("second/", OTPAdminSite(name="second").urls)]

LINK = f'<a href="{METHODS}">Sign-in methods</a>'


def test_link_in_the_header(client: Client) -> None:
    """Of every page, and none where there is no login."""
    log_in(client, make_user(is_staff=True, is_superuser=True))
    for address in [INDEX, "/admin/auth/group/", "/admin/auth/group/add/", METHODS, "/admin/auth/"]:
        assert client.get(address).content.decode().count(LINK) == 1
    assert LINK not in client.get("/admin/auth/group/add/?_popup=1").content.decode()
    assert client.get("/admin/jsi18n/").status_code == 200
    response = client.post("/admin/logout/")
    assert response.status_code == 200
    assert LINK not in response.content.decode()
    assert LINK not in client.get(LOGIN).content.decode()


THEME = """{% extends "admin/base.html" %}
{% block branding %}<b>our brand</b>{% endblock %}
{% block userlinks %}<i>our link</i>{{ block.super }}{% endblock %}"""


@pytest.mark.parametrize("theme", [THEME, "<b>our brand</b>{{ title }}"])
def test_link_beside_a_projects_own_header(client: Client, settings: Any, theme: str) -> None:
    """Its own base_site.html is used as it is; where that has no place for links there is none."""
    loaders = [
        ("django.template.loaders.locmem.Loader", {"admin/base_site.html": theme}),
        "django.template.loaders.app_directories.Loader",
    ]
    engine = settings.TEMPLATES[0]
    settings.TEMPLATES = [
        {**engine, "APP_DIRS": False, "OPTIONS": {**engine["OPTIONS"], "loaders": loaders}}
    ]
    log_in(client, make_user(is_staff=True, is_superuser=True))
    for address in [INDEX, "/admin/auth/group/"]:
        page = client.get(address).content.decode()
        assert page.count("<b>our brand</b>") == 1
        has_place = "userlinks" in theme
        assert page.count(LINK) == has_place
        assert page.count("<i>our link</i>") == has_place


def test_several_sites(client: Client, user: Any, settings: Any) -> None:
    """Each keeps to its own addresses."""
    settings.ROOT_URLCONF = __name__
    page = client.get("/second/").content.decode()
    assert '<a href="/second/sign-in-methods/">' in page
    for address in ["/second/sign-in-methods/", "/second/sign-in-methods/add/"]:
        assert "/admin/" not in client.get(address).content.decode().replace("static/admin/", "")


def test_login_required_middleware(client: Client, user: Any, settings: Any) -> None:
    """The pages work behind Django's LoginRequiredMiddleware."""
    required = "django.contrib.auth.middleware.LoginRequiredMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, required]
    assert client.get(METHODS).status_code == 200
    client.logout()
    assert client.get(METHODS)["Location"] == f"{LOGIN}?next={METHODS}"
