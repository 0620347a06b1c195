"""Checks of admin sites: the login by code is on, and its pages can be shown."""

from __future__ import annotations

from typing import Any

import pytest
from django import forms
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.test import Client
from django.urls import path

from swap_user.otp.sites import OTPAdminSite, OTPAdminSiteMixin
from tests.checks.test_configuration import ours
from tests.otp.pages.login.helpers import CHECK, LOGIN, code, enter, field, text

pytestmark = pytest.mark.django_db

TEMPLATES = {
    "whole.html": "<b>{% block head %}{% endblock %}{% block content %}{% endblock %}</b>",
    "child.html": "{% extends 'whole.html' %}{% block head %}x{% endblock %}",
    "nested.html": "{% block main %}{% block content %}{% endblock %}{% endblock %}",
    "in_an_if.html": "{% if True %}{% block content %}{% endblock %}{% endif %}",
    "by_name.html": "{% extends base|default:'whole.html' %}",
    "none.html": "<form><input name=password>{% block form %}{% endblock %}</form>",
    "orphan.html": "{% extends 'none.html' %}{% block content %}lost{% endblock %}",
    "covered.html": "{% extends 'nested.html' %}{% block main %}my own{% endblock %}",
    "broken.html": "{% block content %}",
    "child_of_missing.html": "{% extends 'missing.html' %}",
    "admin/login.html": "replaced by the project {{ form.password }}",
}


@pytest.fixture
def templates(settings: Any) -> dict[str, str]:
    """Templates of a project, without a login page of its own; add to it."""
    found = {name: text for name, text in TEMPLATES.items() if name != "admin/login.html"}
    loaders = [
        ("django.template.loaders.locmem.Loader", found),
        "django.template.loaders.app_directories.Loader",
    ]
    engine = settings.TEMPLATES[0]
    options = {**engine["OPTIONS"], "loaders": loaders}
    settings.TEMPLATES = [{"BACKEND": engine["BACKEND"], "OPTIONS": options}]
    return found


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The default site; what a test sets on it is taken back."""

    class Setter:
        def __setattr__(self, name: str, value: Any) -> None:
            monkeypatch.setattr(admin.site, name, value, raising=False)

    return Setter()


@pytest.fixture
def replaced(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Any:
    """Put another site in the place of admin.site, as themes do in ready()."""

    def replace(site: Any) -> None:
        monkeypatch.setattr(admin, "site", site)
        settings.ROOT_URLCONF = (path("admin/", site.urls),)

    return replace


class Themed(admin.AdminSite):
    """A theme's."""


class WrongOrder(Themed, OTPAdminSiteMixin):
    """The mixin comes too late to have a say."""


class RightOrder(OTPAdminSiteMixin, Themed):
    """As the documentation says."""


def without_w014() -> dict[str, str]:
    """The messages but for the one about logins by password, which some user models have."""
    return {check_id: text for check_id, text in ours().items() if check_id != "swap_user.W014"}


@pytest.mark.parametrize("kind", [admin.AdminSite, Themed, WrongOrder])
def test_e018_the_login_by_code_is_off(replaced: Any, kind: Any) -> None:
    """The app is installed, and its site is not the one in use."""
    replaced(kind())
    found = without_w014()
    assert list(found) == ["swap_user.E018"]
    (message,) = found.values()
    assert kind.__name__ in message
    assert "OTPAdminSiteMixin" in message


@pytest.mark.parametrize("kind", [OTPAdminSite, RightOrder])
def test_e018_another_site_with_the_mixin(replaced: Any, kind: Any) -> None:
    """Is as good."""
    replaced(kind())
    assert ours() == {}


def test_e018_a_site_that_is_not_in_use(replaced: Any, settings: Any) -> None:
    """The project has addresses for a site of its own only, and none for admin.site."""
    replaced(admin.AdminSite())
    settings.ROOT_URLCONF = (path("admin/", RightOrder().urls),)
    assert ours() == {}


def test_e018_a_project_with_djangos_admin(replaced: Any, settings: Any) -> None:
    """Whoever installs Django's own admin has chosen so."""
    settings.INSTALLED_APPS = ["django.contrib.admin", *settings.INSTALLED_APPS[1:]]
    replaced(admin.AdminSite())
    assert without_w014() == {}


@pytest.mark.usefixtures("templates")
@pytest.mark.parametrize("name", ["login_template", "otp_login_template", "otp_check_template"])
@pytest.mark.parametrize("template", ["missing.html", "broken.html", "child_of_missing.html"])
def test_e019_a_template_that_can_not_be_loaded(site: Any, name: str, template: str) -> None:
    """A login would be a server error."""
    setattr(site, name, template)
    (message,) = ours().values()
    assert list(ours()) == ["swap_user.E019"]
    assert name in message
    assert template in message


class Restrictive(AdminAuthenticationForm):
    """Lets fewer users in."""

    def confirm_login_allowed(self, user: Any) -> None:
        raise forms.ValidationError("Not you.")


@pytest.mark.parametrize("form", [Restrictive, AdminAuthenticationForm])
def test_w018_login_form(site: Any, form: Any) -> None:
    """It asks for a password, and its rules would be lost."""
    site.login_form = form
    (message,) = ours().values()
    assert list(ours()) == ["swap_user.W018"]
    assert form.__name__ in message
    assert "has_permission" in message


def test_w018_the_form_of_a_theme(site: Any) -> None:
    """A theme's site brings its theme's form along, which only styles Django's."""
    pytest.importorskip("unfold")
    from tests.neighbours.projects import run_project

    said = run_project(
        """
ours["INSTALLED_APPS"].insert(0, "unfold.apps.BasicAppConfig")
ours["ROOT_URLCONF"] = "urls"
""",
        """
from django.core import checks
from unfold.forms import AuthenticationForm
import urls

assert urls.site.login_form is AuthenticationForm
said["checks"] = [message.id for message in checks.run_checks()]
""",
        {
            "urls.py": """
from django.urls import path
from unfold.sites import UnfoldAdminSite
from swap_user.otp.sites import OTPAdminSiteMixin

class Site(OTPAdminSiteMixin, UnfoldAdminSite):
    pass

site = Site()
urlpatterns = [path("admin/", site.urls)]
"""
        },
    )
    assert said["checks"] == []


@pytest.mark.parametrize(
    "template", ["whole.html", "child.html", "nested.html", "in_an_if.html", "by_name.html"]
)
@pytest.mark.usefixtures("templates", "staff")
def test_w019_a_template_with_the_block(client: Client, site: Any, template: str) -> None:
    """Our pages extend it."""
    site.login_template = template
    assert ours() == {}
    assert field(client.get(LOGIN), "username")
    assert "<title>" not in text(client.get(LOGIN))


@pytest.mark.parametrize("template", ["none.html", "orphan.html", "covered.html"])
@pytest.mark.usefixtures("templates", "staff")
def test_w019_a_template_without_the_block(client: Client, site: Any, template: str) -> None:
    """Reported, and the pages do without it, so that nobody is locked out."""
    site.login_template = template
    (message,) = ours().values()
    assert list(ours()) == ["swap_user.W019"]
    assert template in message
    assert "content" in message
    assert_it_works_all_the_same(client)


@pytest.mark.usefixtures("staff")
def test_w019_a_project_that_replaces_djangos_template(
    client: Client, templates: dict[str, str]
) -> None:
    """As simpleui does."""
    templates["admin/login.html"] = TEMPLATES["admin/login.html"]
    assert "admin/login.html" in ours()["swap_user.W019"]
    assert_it_works_all_the_same(client)


def assert_it_works_all_the_same(client: Client) -> None:
    page = client.get(LOGIN)
    assert field(page, "username")
    assert "<title>Log in" in text(page)
    otp = code(client)
    assert "errorlist" in text(enter(client, "x"))
    page = client.get(CHECK)
    assert field(page, "otp")
    assert "<title>Enter the code" in text(page)
    assert enter(client, otp).status_code == 302


def test_w019_a_template_of_another_engine(client: Client, site: Any, monkeypatch: Any) -> None:
    """A Django template can't extend it."""

    class Jinja:
        def render(self, context: Any = None, request: Any = None) -> str:
            return "jinja"

    from django.template import loader

    find = loader.get_template
    monkeypatch.setattr(
        loader, "get_template", lambda name, **kw: Jinja() if name == "j" else find(name, **kw)
    )
    site.login_template = "j"
    assert "swap_user.W019" in ours()
    assert field(client.get(LOGIN), "username")
