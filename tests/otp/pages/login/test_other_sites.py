"""Other admin sites, themes, and pages of a project's own."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import path
from django.views.generic import TemplateView

from swap_user.otp.pages.login.views import CodeView, ResendView, UsernameView
from swap_user.otp.sites import OTPAdminSite, OTPAdminSiteMixin
from swap_user.testing import outbox
from tests.otp.pages.login.helpers import (
    CHECK,
    INDEX,
    LOGIN,
    NO_STAFF,
    RESEND,
    WRONG,
    code,
    enter,
    logged_in,
    text,
    wrong,
)
from tests.otp.pages.sites import neither
from tests.support import make_user, username

pytestmark = pytest.mark.django_db


class CustomerSite(OTPAdminSiteMixin, admin.AdminSite):
    """For everybody who is active, with a theme."""

    otp_login_template = "ours.html"
    otp_check_template = "ours.html"

    def has_permission(self, request: Any) -> bool:
        return bool(request.user.is_active)


class ThemedSite(OTPAdminSiteMixin, admin.AdminSite):
    login_template = "theme/login.html"


STEP_URLS = {"login_url": "own-login", "check_url": "own-check", "resend_url": "own-resend"}
OWN = {**STEP_URLS, "template_name": "own.html", "next_page": "/home/"}

urlpatterns = [
    path("admin/", admin.site.urls),
    path("second/", OTPAdminSite(name="second").urls),
    path("customers/", CustomerSite(name="customers").urls),
    path("themed/", ThemedSite(name="themed").urls),
    path("own/login/", UsernameView.as_view(**OWN), name="own-login"),
    path("own/check/", CodeView.as_view(**OWN), name="own-check"),
    path("own/resend/", ResendView.as_view(**OWN), name="own-resend"),
    path("home/", TemplateView.as_view(template_name="ours.html")),
]

TEMPLATES = {
    "ours.html": "ours: {{ title }} {{ form.errors }}",
    "own.html": "{% include 'swap_user/includes/login.html' %} {{ form.errors }}",
    "theme/login.html": "<b>theme</b>{% block content %}{% endblock %}",
}


@pytest.fixture
def other_pages(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    loaders = [
        ("django.template.loaders.locmem.Loader", TEMPLATES),
        "django.template.loaders.app_directories.Loader",
    ]
    engine = settings.TEMPLATES[0]
    options = {**engine["OPTIONS"], "loaders": loaders}
    settings.TEMPLATES = [{"BACKEND": engine["BACKEND"], "OPTIONS": options}]


def test_login_required_middleware(client: Client, settings: Any) -> None:
    """The pages work behind Django's LoginRequiredMiddleware."""
    required = "django.contrib.auth.middleware.LoginRequiredMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, required]
    assert client.get(LOGIN).status_code == 200
    otp = code(client)
    assert client.get(CHECK).status_code == 200
    assert client.post(RESEND)["Location"] == CHECK
    assert client.get(RESEND).status_code == 405
    assert enter(client, otp)["Location"] == INDEX
    assert client.get(INDEX).status_code == 200


@neither
@pytest.mark.usefixtures("other_pages")
def test_several_sites(client: Client) -> None:
    """Each keeps to its own addresses."""
    response = client.get("/second/", follow=True)
    assert response.redirect_chain == [("/second/login/?next=/second/", 302)]
    assert 'action="/second/login/"' in text(response)
    assert '"/admin/' not in text(response)
    response = client.post("/second/login/", {"username": username()})
    assert response["Location"] == "/second/check-otp/"
    page = text(client.get(response["Location"]))
    assert 'action="/second/check-otp/"' in page
    assert 'action="/second/resend-otp/"' in page
    assert '"/admin/' not in page
    assert client.post("/second/resend-otp/")["Location"] == "/second/check-otp/"
    response = client.post("/second/check-otp/", {"otp": outbox[-1].otp})
    assert response["Location"] == "/second/"


@neither
@pytest.mark.usefixtures("other_pages")
def test_site_with_its_own_rule_and_templates(client: Client) -> None:
    """`has_permission` decides, so a site for users without staff rights needs nothing more."""
    make_user(NO_STAFF)
    assert text(client.get("/customers/login/")).startswith("ours: Log in")
    client.post("/customers/login/", {"username": username(NO_STAFF)})
    assert text(client.get("/customers/check-otp/")).startswith("ours: Enter the code")
    response = client.post("/customers/check-otp/", {"otp": outbox[-1].otp})
    assert response["Location"] == "/customers/"
    assert logged_in(client)


@neither
@pytest.mark.usefixtures("other_pages")
def test_theme_that_names_its_login_template(client: Client) -> None:
    """Ours extends it."""
    page = text(client.get("/themed/login/"))
    assert page.startswith("<b>theme</b>")
    assert 'name="username"' in page


@neither
@pytest.mark.usefixtures("other_pages")
def test_pages_of_a_sites_own(client: Client) -> None:
    """The same views outside the admin: anybody may enter, and the words know no staff."""
    make_user(NO_STAFF)
    assert 'action="/own/login/"' in text(client.get("/own/login/"))
    response = client.post("/own/login/", {"username": username(NO_STAFF), "next": "/home/?a"})
    assert response["Location"] == "/own/check/?next=/home/%3Fa"
    otp = outbox[-1].otp
    page = text(client.post("/own/check/", {"otp": wrong(otp)}))
    assert WRONG in page
    assert "account" not in page.partition(WRONG)[2].partition("</ul>")[0]
    assert client.post("/own/check/", {"otp": otp})["Location"] == "/home/"
    assert client.get("/own/login/")["Location"] == "/home/"
    assert client.get("/home/").status_code == 200
