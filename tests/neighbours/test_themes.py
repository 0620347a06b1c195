"""Themes of the admin: those that replace the site or its login page are reported, with a way."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

from tests.neighbours.projects import run_project
from tests.user_models import UserModel

pytestmark = pytest.mark.skipif(
    UserModel._meta.label != "swap_to_email_otp.EmailOTPUser", reason="one user model is enough"
)

URLS = """
from django.contrib import admin
from django.urls import include, path
urlpatterns = [path("admin/", admin.site.urls)]
"""

# The module of each theme, with the name of its package.
THEMES = {
    name: pytest.param(name, marks=mark)
    for name, mark in {
        "unfold": pytest.mark.neighbour("django-unfold"),
        "django_daisy": pytest.mark.neighbour("django-daisy"),
        "baton": pytest.mark.neighbour("django-baton"),
        "simpleui": pytest.mark.neighbour("django-simpleui"),
        "jazzmin": pytest.mark.neighbour("django-jazzmin"),
        "grappelli": pytest.mark.neighbour("django-grappelli"),
        "admin_interface": pytest.mark.neighbour("django-admin-interface"),
    }.items()
}


def themes(*names: str) -> list[Any]:
    """Return parameters with the marks of these themes."""
    return [THEMES[name] for name in names]


# As each theme's own documentation says to install it.
INSTALL = {
    "unfold": ('["unfold", *apps]', URLS),
    "django_daisy": ('["django_daisy", *apps, "django.contrib.humanize"]', URLS),
    "baton": (
        '["baton", *apps, "baton.autodiscover"]',
        URLS.replace("from django.contrib import admin", "from baton.autodiscover import admin")
        + 'urlpatterns += [path("baton/", include("baton.urls"))]',
    ),
    "simpleui": ('["simpleui", *apps]', URLS),
    "jazzmin": ('["jazzmin", *apps]', URLS),
    "grappelli": (
        '["grappelli", *apps]',
        URLS + 'urlpatterns += [path("grappelli/", include("grappelli.urls"))]',
    ),
    "admin_interface": ('["admin_interface", "colorfield", *apps]', URLS),
}

SETTINGS = """
apps = ours["INSTALLED_APPS"]
ours["INSTALLED_APPS"] = {apps}
ours["ROOT_URLCONF"] = "urls"
ours["X_FRAME_OPTIONS"] = "SAMEORIGIN"
"""

VISIT = """
import re
from django.core import checks
from django.core.management import call_command
from django.test import Client

call_command("migrate", verbosity=0)
from swap_user.testing import outbox
from tests.support import make_user, username

said["checks"] = {m.id: m.msg + " " + m.hint for m in checks.run_checks() if "swap_user" in m.id}
make_user(is_staff=True, is_superuser=True)
client = Client()


def fields(response):
    said["status"] = response.status_code
    return set(re.findall('<input[^>]* name="([^"]*)"', response.content.decode()))


if "swap_user.E018" not in said["checks"]:
    said["login"] = sorted(fields(client.get("/admin/login/")))
    client.post("/admin/login/", {"username": username()})
    said["check"] = sorted(fields(client.get("/admin/check-otp/")))
    said["wrong"] = client.post("/admin/check-otp/", {"otp": "x"}).content.decode()
    said["in"] = client.post("/admin/check-otp/", {"otp": outbox[-1].otp})["Location"]
    said["link"] = 'href="/admin/sign-in-methods/"' in client.get("/admin/").content.decode()
    for page in ("", "add/", "recovery-codes/"):
        assert client.get(f"/admin/sign-in-methods/{page}").status_code == 200
"""


def visit(theme: str) -> Any:
    if find_spec(theme) is None:
        pytest.skip(f"{theme} is not installed")
    apps, urls = INSTALL[theme]
    return run_project(SETTINGS.format(apps=apps), VISIT, {"urls.py": urls})


@pytest.mark.parametrize("theme", themes("unfold", "django_daisy", "baton"))
def test_e018_a_theme_that_replaces_the_site(theme: str, shared_redis: Any) -> None:
    """The message names the class, and the hint what this theme needs."""
    message = visit(theme)["checks"]["swap_user.E018"]
    assert {"unfold": "Unfold", "django_daisy": "Daisy", "baton": "Baton"}[theme] in message
    way = {
        "unfold": "unfold.apps.BasicAppConfig",
        "django_daisy": "DEFAULT_ADMIN_SITE_CLASS",
        "baton": "baton.autodiscover",
    }
    assert way[theme] in message


@pytest.mark.neighbour("django-simpleui")
def test_w019_a_theme_without_the_block(shared_redis: Any) -> None:
    """The pages are shown without the theme, so everybody gets in."""
    said = visit("simpleui")
    assert list(said["checks"]) == ["swap_user.W019"]
    assert "admin/login.html" in said["checks"]["swap_user.W019"]
    assert "username" in said["login"]
    assert "password" not in said["login"]
    assert "otp" in said["check"]
    assert "That code did not work." in said["wrong"]
    assert said["in"] == "/admin/"


@pytest.mark.parametrize("theme", themes("jazzmin", "grappelli", "admin_interface"))
def test_themes_that_need_nothing(theme: str, shared_redis: Any) -> None:
    """They keep the site, and the block of its login page."""
    said = visit(theme)
    assert said["checks"] == {}
    assert "username" in said["login"]
    assert "otp" in said["check"]
    assert said["in"] == "/admin/"
    assert said["link"]
