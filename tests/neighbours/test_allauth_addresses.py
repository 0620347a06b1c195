"""The email addresses of django-allauth follow that of the user, on its pages and on ours (R50)."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

from tests.neighbours.projects import run_project
from tests.user_models import UserModel

pytestmark = [
    pytest.mark.neighbour("django-allauth"),
    pytest.mark.requirement("R50"),
    pytest.mark.skipif(
        UserModel._meta.label != "swap_to_email_otp.EmailOTPUser", reason="one model is enough"
    ),
    pytest.mark.skipif(find_spec("allauth") is None, reason="allauth is not installed"),
]

SETTINGS = """
ours["INSTALLED_APPS"] = [*ours["INSTALLED_APPS"], "allauth", "allauth.account"]
ours["MIDDLEWARE"] = [*ours["MIDDLEWARE"], "allauth.account.middleware.AccountMiddleware"]
ours["AUTHENTICATION_BACKENDS"] = [
    *ours["AUTHENTICATION_BACKENDS"], "allauth.account.auth_backends.AuthenticationBackend",
]
ours |= {
    "ACCOUNT_USER_MODEL_USERNAME_FIELD": None, "ACCOUNT_LOGIN_METHODS": {"email"},
    "ACCOUNT_SIGNUP_FIELDS": ["email*"], "ACCOUNT_RATE_LIMITS": False,
    "LOGIN_REDIRECT_URL": "/", "ROOT_URLCONF": "urls",
    "SWAP_USER": {**ours["SWAP_USER"], "OTP_SIGN_UP": True},
}
"""

URLS = """
from django.contrib import admin
from django.http import HttpResponse
from django.urls import include, path
urlpatterns = [
    path("accounts/", include("allauth.urls")), path("admin/", admin.site.urls),
    path("account/", include("swap_user.otp.urls")),
    path("", lambda request: HttpResponse("home")),
]
"""

START = """
from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client

call_command("migrate", verbosity=0)
from swap_user.testing import log_in, outbox
from tests.support import make_user

ANN, BOB, EVE = "ann@example.com", "bob@example.com", "eve@example.com"
client, users = Client(), get_user_model().objects


def sign_up(address):
    client.post("/account/sign-up/", {"username": address})
    client.post("/account/sign-up/", {"otp": outbox[-1].otp})
    return users.get(email=address)


def change(address):
    client.post("/account/change-username/", {"username": address})
    client.post("/account/change-username/", {"otp": outbox[-1].otp})


def tell(name, user):
    rows = EmailAddress.objects.filter(user_id=user.pk).order_by("email")
    email = users.get(pk=user.pk).email
    said[name] = [email, *rows.values_list("email", "verified", "primary")]
"""


def run(program: str) -> Any:
    return run_project(SETTINGS, START + program, {"urls.py": URLS})


@pytest.fixture(autouse=True)
def _redis(shared_redis: Any) -> None:
    """The server that the projects use."""


def test_our_pages() -> None:
    """A confirmed address is the primary one. That of before is no way in any more."""
    said = run(
        """
user = sign_up(ANN)
tell("signed up", user)
EmailAddress.objects.create(user=user, email=EVE, verified=True)
change(BOB)
tell("changed", user)
row = users.get(pk=user.pk)
row.email = ANN
row.save()
tell("by staff", user)
"""
    )
    ann, bob, eve = "ann@example.com", "bob@example.com", "eve@example.com"
    assert said["signed up"] == [ann, [ann, True, True]]
    assert said["changed"] == [bob, [bob, True, True], [eve, True, False]]
    assert said["by staff"] == [ann, [ann, False, True], [eve, True, False]]


def test_the_page_of_allauth() -> None:
    """It makes another verified address the primary one, and decides about both."""
    said = run(
        """
user = sign_up(ANN)
EmailAddress.objects.create(user=user, email=BOB, verified=True)
said["status"] = client.post("/accounts/email/", {"action_primary": "", "email": BOB}).status_code
tell("changed", user)
"""
    )
    assert said["status"] == 302
    ann, bob = "ann@example.com", "bob@example.com"
    assert said["changed"] == [bob, [ann, True, False], [bob, True, True]]


def test_another_account_has_verified_it() -> None:
    """Then allauth does not take the new one. The old one is removed all the same."""
    said = run(
        """
other = make_user(7)
EmailAddress.objects.create(user=other, email=BOB, verified=True)
user = sign_up(ANN)
change(BOB)
tell("changed", user)
tell("other", other)
client = Client()
EmailAddress.objects.create(user=other, email=EVE, verified=True)
tell("signed up", sign_up(EVE))
"""
    )
    assert said["changed"] == ["bob@example.com"]
    assert said["other"][1] == ["bob@example.com", True, False]
    assert said["signed up"] == ["eve@example.com"]


def test_an_email_address_that_no_code_confirmed() -> None:
    """The form of a sign-up with a phone number may ask for one. Allauth must not trust it."""
    said = run_project(
        SETTINGS,
        """
from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client

call_command("migrate", verbosity=0)
from swap_user.testing import outbox
from django.conf import settings

settings.SWAP_USER["OTP_SIGN_UP"] = "forms.WithEmail"
client = Client()
client.post("/account/sign-up/", {"username": "number1", "email": "victim@example.com"})
client.post("/account/sign-up/", {"otp": outbox[-1].otp})
said["rows"] = list(EmailAddress.objects.values_list("email", "verified"))
""",
        {
            "urls.py": URLS,
            "forms.py": """
from django import forms
from swap_user.otp.views import SignUpForm

class WithEmail(SignUpForm):
    email = forms.EmailField()
""",
        },
        base="auth_user",
    )
    assert said["rows"] == [["victim@example.com", False]]
