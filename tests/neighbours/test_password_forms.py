"""Password forms of other packages refuse users of a model without passwords, and say why."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

from tests.neighbours.projects import run_project
from tests.user_models import UserModel

pytestmark = pytest.mark.skipif(
    UserModel._meta.label != "swap_to_email_otp.EmailOTPUser", reason="one user model is enough"
)

WHY = "have no password"
NO_ACCESS = 403


def needs(module: str) -> Any:
    return pytest.mark.skipif(find_spec(module) is None, reason=f"{module} is not installed")


ALLAUTH = """
ours["INSTALLED_APPS"] = [*ours["INSTALLED_APPS"], "allauth", "allauth.account"]
ours["MIDDLEWARE"] = [*ours["MIDDLEWARE"], "allauth.account.middleware.AccountMiddleware"]
ours["AUTHENTICATION_BACKENDS"] = [
    *ours["AUTHENTICATION_BACKENDS"], "allauth.account.auth_backends.AuthenticationBackend",
]
ours |= {
    "ACCOUNT_USER_MODEL_USERNAME_FIELD": None, "ACCOUNT_LOGIN_METHODS": {"email"},
    "ACCOUNT_SIGNUP_FIELDS": ["email*", "password1*", "password2*"],
    "LOGIN_REDIRECT_URL": "/", "ACCOUNT_RATE_LIMITS": False,
}
ours["ROOT_URLCONF"] = "urls"
"""

ALLAUTH_URLS = """
from django.contrib import admin
from django.http import HttpResponse
from django.urls import include, path
urlpatterns = [
    path("accounts/", include("allauth.urls")), path("admin/", admin.site.urls),
    path("", lambda request: HttpResponse("home")),
]
"""

REST_AUTH = """
ours["INSTALLED_APPS"] = [*ours["INSTALLED_APPS"], "rest_framework", "dj_rest_auth"]
ours["REST_AUTH"] = {"TOKEN_MODEL": None, "SESSION_LOGIN": True}
ours["ROOT_URLCONF"] = "urls"
"""

REST_AUTH_URLS = """
from django.contrib import admin
from django.urls import include, path
urlpatterns = [path("auth/", include("dj_rest_auth.urls")), path("admin/", admin.site.urls)]
"""

WAGTAIL = """
ours["INSTALLED_APPS"] = [
    *ours["INSTALLED_APPS"], "wagtail.users", "wagtail.admin", "wagtail.images",
    "wagtail.documents", "wagtail.snippets", "wagtail.search", "wagtail", "taggit", "modelcluster",
]
ours["WAGTAIL_SITE_NAME"] = "Site"
ours["WAGTAILADMIN_BASE_URL"] = "http://testserver"
ours["ROOT_URLCONF"] = "urls"
"""

WAGTAIL_URLS = """
from django.contrib import admin
from django.urls import include, path
from wagtail.admin import urls
urlpatterns = [path("cms/", include(urls)), path("admin/", admin.site.urls)]
"""

START = """
from django.core.management import call_command
from django.test import Client

call_command("migrate", verbosity=0)
from tests.support import make_user

user = make_user(is_staff=True, is_superuser=True)
client = Client(raise_request_exception=False)
passwords = {"password1": "kZ81!plqX", "password2": "kZ81!plqX"}


def tell(name, response):
    said[name] = [response.status_code, response.content.decode()]
"""


@pytest.mark.neighbour("django-allauth")
@needs("allauth")
def test_allauth() -> None:
    """Reset, set, and sign up."""
    said = run_project(
        ALLAUTH,
        START
        + """
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str

key = default_token_generator.make_token(user)
url = f"/accounts/password/reset/key/{user_pk_to_url_str(user)}-{key}/"
response = client.get(url)
tell("reset", client.post(response["Location"], passwords))
tell("sign up", client.post("/accounts/signup/", {"email": "new@example.com", **passwords}))
client.force_login(user, backend="swap_user.backends.OTPBackend")
tell("set", client.post("/accounts/password/set/", passwords))
from django.contrib.auth import get_user_model
said["users"] = get_user_model().objects.count()
""",
        {"urls.py": ALLAUTH_URLS},
    )
    assert said.pop("users") == 1
    for name, (status, page) in said.items():
        assert (name, status) == (name, 200)
        assert WHY in page


@pytest.mark.neighbour("dj-rest-auth")
@needs("dj_rest_auth")
def test_dj_rest_auth() -> None:
    """Reset and change are refused as the other mistakes of their forms are."""
    said = run_project(
        REST_AUTH,
        START
        + """
from django.contrib.auth.tokens import default_token_generator
from django.utils.http import urlsafe_base64_encode

data = {
    "uid": urlsafe_base64_encode(str(user.pk).encode()),
    "token": default_token_generator.make_token(user),
    "new_password1": "kZ81!plqX", "new_password2": "kZ81!plqX",
}
tell("reset", client.post("/auth/password/reset/confirm/", data, "application/json"))
client.force_login(user, backend="swap_user.backends.OTPBackend")
tell("change", client.post("/auth/password/change/", data, "application/json"))
""",
        {"urls.py": REST_AUTH_URLS},
    )
    for name, (status, page) in said.items():
        assert (name, status) == (name, 400)
        assert WHY in page


@pytest.mark.neighbour("wagtail")
@needs("wagtail")
def test_wagtail() -> None:
    """The form that adds a user says so beside the password; without one, it adds the user."""
    said = run_project(
        WAGTAIL,
        START
        + """
from django.test import override_settings

client.force_login(user, backend="swap_user.backends.OTPBackend")
data = {"email": "new@example.com", "first_name": "A", "last_name": "B"}
tell("form", client.get("/cms/users/new/"))
tell("add", client.post("/cms/users/new/", {**data, **passwords}))
with override_settings(WAGTAILUSERS_PASSWORD_ENABLED=False):
    tell("no password", client.post("/cms/users/new/", data))
from django.contrib.auth import get_user_model
said["users"] = sorted(each.email for each in get_user_model().objects.all())
""",
        {"urls.py": WAGTAIL_URLS},
    )
    assert said["form"][0] == 200
    status, page = said["add"]
    assert status == 200
    assert WHY in page
    assert said["no password"][0] == 302
    assert said["users"] == ["new@example.com", "user1@example.com"]
