"""The logins of django-allauth beside ours: they open no OTP admin, and ours opens its pages."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

from tests.neighbours.projects import run_project
from tests.neighbours.test_allauth_addresses import SETTINGS, URLS
from tests.user_models import UserModel

pytestmark = [
    pytest.mark.requirement("R51"),
    pytest.mark.neighbour("django-allauth"),
    pytest.mark.skipif(
        UserModel._meta.label != "swap_to_email_otp.EmailOTPUser", reason="one run is enough"
    ),
    pytest.mark.skipif(find_spec("allauth") is None, reason="allauth is not installed"),
]

MORE = """
ours |= {
    "ACCOUNT_LOGIN_BY_CODE_ENABLED": True, "ACCOUNT_LOGIN_ON_PASSWORD_RESET": True,
    "ACCOUNT_SIGNUP_FIELDS": ["email*"],
    "EMAIL_BACKEND": "django.core.mail.backends.locmem.EmailBackend",
}
if "MAILERS" in ours:
    del ours["EMAIL_BACKEND"]
    ours["MAILERS"] = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
"""

PROGRAM = """
import re
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.management import call_command
from django.test import Client

mail.outbox = []
call_command("migrate", verbosity=0)
from swap_user.models import RecoveryCode
from swap_user.testing import outbox
from tests.support import make_user, username

user = make_user(is_staff=True, is_superuser=True)
user.set_password("an old one")
user.save()
EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)


def tell(name, client):
    client.post("/account/sign-in-methods/recovery-codes/")
    said[name] = {
        "user": client.session.get("_auth_user_id"),
        "admin": client.get("/admin/").status_code,
        "codes made": RecoveryCode.objects.count(),
        "its page": client.get("/accounts/email/").status_code,
    }


client = Client()
client.post("/accounts/password/reset/", {"email": user.email})
(link,) = re.findall(r"http://testserver(/\\S+)", mail.outbox[-1].body)
form = client.get(link)["Location"]
client.post(form, {"password1": "kZ81!plqX", "password2": "kZ81!plqX"})
tell("after the reset", client)

client = Client()
client.post("/accounts/login/code/", {"email": user.email})
code = re.search(r"^([A-Z0-9-]{6,9})$", mail.outbox[-1].body, re.MULTILINE)[1]
client.post("/accounts/login/code/confirm/", {"code": code})
tell("by its code", client)

client = Client()
client.post("/account/login/", {"username": username()})
client.post("/account/check-otp/", {"otp": outbox[-1].otp})
tell("by our code", client)
"""


def test_its_logins_and_ours(shared_redis: Any) -> None:
    """A reset password and its own codes log in, and prove nothing to this package."""
    said = run_project(SETTINGS + MORE, PROGRAM, {"urls.py": URLS}, base="auth_user")
    for name in ("after the reset", "by its code"):
        found = said[name]
        assert found["user"] is not None, name
        assert (found["admin"], found["codes made"], found["its page"]) == (302, 0, 200), name
    ours = said["by our code"]
    assert (ours["admin"], ours["its page"]) == (200, 200)
