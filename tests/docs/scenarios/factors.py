"""Authenticator apps, recovery codes and policies."""

from __future__ import annotations

import contextlib
import io
import re
from datetime import timedelta
from typing import Any

from tests.docs.scenarios.steps import (
    EMAIL,
    app_code,
    code_mails,
    give_app,
    log_in,
    mailed,
    remembered,
    scenario,
    user_known_by,
)


@scenario("authenticators")
def _authenticators() -> None:
    from django.core import mail
    from django.test import Client, override_settings

    from swap_user.models import Authenticator

    user = user_known_by(EMAIL)
    from_terminal = Authenticator.objects.exclude(type="sent").get()
    assert (from_terminal.name, from_terminal.user) == ("Work phone", user)
    assert mail.outbox == []  # that was another process

    client, elsewhere = Client(), Client()
    for each in (client, elsewhere):
        each.post("/admin/login/", {"username": EMAIL})
        each.post("/admin/check-otp/", {"otp": mailed()})
    assert elsewhere.get("/admin/").status_code == 200
    page = client.get("/app/")
    text = page.content.decode()
    assert "<svg" in text
    assert "no-store" in page["Cache-Control"]
    secret = re.search(r"<code>(\w+)</code>", text)[1]
    wrong = client.post("/app/", {"otp": "12"}).content.decode()
    assert "That is not the code" in wrong
    assert secret not in wrong
    assert secret not in str(dict(client.session.items()))
    added = client.post("/app/", {"otp": app_code(secret)})
    assert added["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200
    assert elsewhere.get("/admin/").status_code == 302
    assert Authenticator.objects.exclude(type="sent").count() == 2
    assert "was added" in mail.outbox[-1].subject
    assert "Site: My site" in mail.outbox[-1].body
    log_in(EMAIL, lambda: app_code(secret, steps=1))
    with override_settings(SWAP_USER={"OTP_FRESH_LOGIN": 30}):
        import time
        from unittest.mock import patch

        with patch("swap_user.otp.sessions.sessions.time.time", return_value=time.time() + 31):
            stale = client.get("/app/")
    assert stale["Location"] == "/admin/login/?next=/app/"
    assert client.get("/admin/").status_code == 302


@scenario("recovery")
def _recovery() -> None:
    from django.core import mail
    from django.test import Client

    user_known_by(EMAIL)
    client = Client()
    client.post("/admin/login/", {"username": EMAIL})
    client.post("/admin/check-otp/", {"otp": mailed()})
    assert "You have 0 recovery codes" in client.get("/recovery/").content.decode()
    page = client.post("/recovery/")
    assert "no-store" in page["Cache-Control"]
    codes = re.findall(r"<code>([\w-]+)</code>", page.content.decode())
    assert len(codes) == 10
    assert "You have 10 recovery codes" in client.get("/recovery/").content.decode()
    log_in(EMAIL, lambda: codes[0].lower().replace("-", " ").replace("0", "o"))
    assert any("9 codes are left" in each.body for each in mail.outbox)
    assert "You have 9 recovery codes" in client.get("/recovery/").content.decode()
    with contextlib.suppress(AssertionError):
        log_in(EMAIL, lambda: codes[0])
        raise RuntimeError("got in twice")


@scenario("recovery-reset")
def _reset() -> None:
    from django.core.management import call_command
    from django.test import Client, override_settings

    from swap_user import testing
    from swap_user.models import Authenticator, RecoveryCode
    from swap_user.otp import enroll, generate_recovery_codes

    user = user_known_by(EMAIL)
    enrollment = enroll(user)
    enrollment.confirm(app_code(enrollment.secret))
    generate_recovery_codes(user)
    client = Client()
    testing.log_in(client, user)
    out = io.StringIO()
    call_command("reset_otp", EMAIL, "--limits-only", stdout=out)
    assert "limits lifted" in out.getvalue()
    assert RecoveryCode.objects.count() == 10
    assert client.get("/admin/").status_code == 200
    call_command("reset_otp", EMAIL.upper(), stdout=out)
    assert "revoked authenticators: 1, recovery codes: 10." in out.getvalue()
    assert not RecoveryCode.objects.exists()
    assert client.get("/admin/").status_code == 302
    for policy in ("AnyCode", "AuthenticatorOnceEnrolled", "Both"):
        with override_settings(
            SWAP_USER={
                "OTP_SENDER_CLASS": "swap_user.testing.MemoryOTPSender",
                "OTP_POLICY_CLASS": f"swap_user.otp.policies.{policy}",
            }
        ):
            log_in(EMAIL, remembered)
    assert Authenticator.objects.get().type == "sent"


@scenario("policies", "policies-own")
def _app_once_enrolled() -> None:
    user = user_known_by(EMAIL)
    log_in(EMAIL, mailed)
    secret = give_app(user)
    before = code_mails()
    log_in(EMAIL, lambda: app_code(secret, steps=1))
    assert code_mails() == before


@scenario("policies-staff")
def _staff_must_enroll() -> None:
    from django.test import Client

    user = user_known_by(EMAIL)
    client = Client()
    client.post("/admin/login/", {"username": EMAIL})
    client.post("/admin/check-otp/", {"otp": mailed()})
    assert client.get("/admin/")["Location"] == "/admin/sign-in-methods/add/?next=/admin/"
    page = client.post("/admin/sign-in-methods/add/", {"name": "Phone"}, follow=True).context
    secret = page["secret"].replace(" ", "")
    client.post("/admin/sign-in-methods/add/", {"otp": app_code(secret)})
    assert client.get("/admin/").status_code == 200
    assert user.otp_authenticators.get(type="totp").name == "Phone"
    log_in(EMAIL, lambda: app_code(secret, steps=1))


@scenario("policies-groups")
def _groups_must_enroll() -> None:
    from django.contrib.auth.models import Group
    from django.test import Client, override_settings
    from django.utils import timezone

    from swap_user.models import EnrollmentGrace
    from swap_user.testing import log_in as log_in_client

    user = user_known_by(EMAIL)
    client, add_url = Client(), "/account/sign-in-methods/add/"
    user.groups.add(Group.objects.create(name="Finance"))
    client.post("/account/login/", {"username": EMAIL})
    page = client.post("/account/check-otp/", {"otp": mailed()}, follow=True).content.decode()
    assert "your account needs an authenticator app" in page
    assert f'<a href="{add_url}">add one</a>' in page
    grace = EnrollmentGrace.objects.get()
    grace.began_at = timezone.now() - timedelta(days=14)
    grace.save()
    client = Client()
    log_in_client(client, user)
    for url in ("/account/sign-in-methods/", "/admin/"):
        assert client.get(url)["Location"].endswith(f"sign-in-methods/add/?next={url}")
    assert client.get(add_url).status_code == 200
    with override_settings(MIDDLEWARE=_with_own_page()):
        assert client.get("/account/sessions/").status_code == 302
    from mysite.rules import AppForEveryone

    assert AppForEveryone().must_enroll(user) is user.is_superuser


def _with_own_page() -> list[str]:
    from django.conf import settings
    from mysite.middleware import EnrollFirst

    assert EnrollFirst(lambda request: None).get_add_url(None) == "/my-app/"
    return [*settings.MIDDLEWARE[:-1], "mysite.middleware.EnrollFirst"]


@scenario("policies-both")
def _both() -> None:
    from django.test import Client

    user = user_known_by(EMAIL)
    secret = give_app(user)
    client = Client()
    for _ in range(2):  # who begins again begins with the first half
        client.post("/login/", {"username": EMAIL})
        second = client.post("/login/code/", {"otp": mailed()}).content.decode()
        assert "Now the code of your app" in second
    assert "_auth_user_id" not in client.session
    client.post("/login/code/", {"otp": app_code(secret, steps=1)})
    assert "_auth_user_id" in client.session


@scenario("policies-password")
def _password_then_code() -> None:
    from unittest.mock import patch

    from django.test import Client

    user = user_known_by(EMAIL, password="right")

    def first_step(password: str) -> Any:
        return client.post("/login/", {"username": EMAIL, "password": password})

    client = Client()
    assert "is wrong" in first_step("wrong").content.decode()
    assert first_step("right")["Location"] == "/login/code/"
    assert "_auth_user_id" not in client.session
    client.post("/login/code/", {"otp": mailed()})
    assert client.session["_auth_user_id"] == str(user.pk)

    client = Client()  # who comes too late begins again
    with patch("swap_user.otp.challenges.factors_shown.add"):
        first_step("right")
    assert client.post("/login/code/", {"otp": mailed()})["Location"] == "/login/"
    first_step("right")
    client.post("/login/code/", {"otp": mailed()})
    assert "_auth_user_id" in client.session
