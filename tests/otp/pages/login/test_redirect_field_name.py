"""`next` under another name, and on a page that was opened without it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import path
from django.views.generic import TemplateView

from swap_user.otp.pages.methods.edit import ChangingView
from swap_user.otp.views import CodeView, ResendView, UsernameView
from swap_user.testing import log_in, outbox
from tests.otp.pages.login.helpers import CHECK, INDEX, LOGIN, code, enter, field
from tests.otp.pages.methods.helpers import make_stale
from tests.otp.pages.sites import neither, only_admin
from tests.support import username

pytestmark = pytest.mark.django_db


class NamedUsernameView(UsernameView):
    redirect_field_name = "to"


STEPS = {"login_url": "own-login", "check_url": "own-check", "resend_url": "own-resend"}
OWN = {**STEPS, "template_name": "own.html", "next_page": "/home/"}
NAMED = {**OWN, "redirect_field_name": "to"}

urlpatterns = [
    path("admin/", admin.site.urls),
    path("own/login/", NamedUsernameView.as_view(**OWN), name="own-login"),
    path("own/check/", CodeView.as_view(**NAMED), name="own-check"),
    path("own/resend/", ResendView.as_view(**NAMED), name="own-resend"),
    path("own/change/", ChangingView.as_view(redirect_field_name="to", login_url="own-login")),
    path("home/", TemplateView.as_view(template_name="own.html")),
]

TEMPLATE = """{% if check_url %}{% include 'swap_user/includes/login.html' %}
{% include 'swap_user/includes/check_otp.html' %}{% endif %}"""


@pytest.fixture
def own_pages(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    loaders = [
        ("django.template.loaders.locmem.Loader", {"own.html": TEMPLATE}),
        "django.template.loaders.app_directories.Loader",
    ]
    engine = settings.TEMPLATES[0]
    options = {**engine["OPTIONS"], "loaders": loaders}
    settings.TEMPLATES = [{"BACKEND": engine["BACKEND"], "OPTIONS": options}]


@neither
@pytest.mark.usefixtures("own_pages")
@pytest.mark.requirement("R38")
def test_the_pages_keep_it_under_its_name(client: Client) -> None:
    """From the link to the last redirect, through every form and link of the pages."""
    page = client.get("/own/login/?to=/home/%3Fa&next=/other/")
    assert field(page, "to")["value"] == "/home/?a"
    assert b'name="next"' not in page.content
    asked = client.post("/own/login/", {"username": username(), "to": "/home/?a"})
    assert asked["Location"] == "/own/check/?to=/home/%3Fa"
    page = client.get(asked["Location"])
    assert field(page, "to")["value"] == "/home/?a"
    assert b'href="/own/login/?to=/home/%3Fa"' in page.content
    again = client.post("/own/resend/", {"to": "/home/?a"})
    assert again["Location"] == "/own/check/?to=/home/%3Fa"
    entered = client.post("/own/check/", {"otp": outbox[-1].otp, "to": "/home/?a"})
    assert entered["Location"] == "/home/?a"


@neither
@pytest.mark.usefixtures("own_pages")
@pytest.mark.requirement("R38")
@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_it_stays_on_this_host(client: Client, to: str) -> None:
    """Under any name."""
    asked = client.post("/own/login/", {"username": username(), "to": to})
    assert asked["Location"] == "/own/check/"
    entered = client.post("/own/check/", {"otp": outbox[-1].otp, "to": to})
    assert entered["Location"] == "/home/"


@neither
@pytest.mark.usefixtures("own_pages")
def test_who_has_to_log_in_again_comes_back(client: Client, staff: Any) -> None:
    """The pages on sign-in methods name it as the login pages do."""
    log_in(client, staff)
    make_stale(client)
    assert client.get("/own/change/")["Location"] == "/own/login/?to=/own/change/"


@only_admin("the own pages leave the field empty: LOGIN_REDIRECT_URL says where to go then")
def test_the_admin_fills_it_in(client: Client) -> None:
    """As Django's does: a login page that was opened directly leads to the index."""
    page = client.get(LOGIN)
    assert page.context["next"] == INDEX
    assert field(page, "next")["value"] == INDEX
    assert field(client.get(f"{LOGIN}?next=/admin/auth/"), "next")["value"] == "/admin/auth/"
    assert field(client.get(f"{LOGIN}?next=//evil.example"), "next")["value"] == ""
    otp = code(client)
    assert field(client.get(CHECK), "next")["value"] == INDEX
    assert enter(client, otp)["Location"] == INDEX
