"""Codes and notices go out by a backend of django-anymail."""

from __future__ import annotations

from typing import Any

import django
import pytest
from django.core import mail
from django.test import Client

from swap_user.testing import wait_for_deliveries
from tests.support import configure, make_user, username

pytest.importorskip("anymail")

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.neighbour("django-anymail"),
    pytest.mark.user_model("email address"),
]

BACKEND = "anymail.backends.test.EmailBackend"


@pytest.fixture(autouse=True)
def _backend(settings: Any) -> None:
    if django.VERSION >= (6, 1):
        settings.MAILERS = {"default": {"BACKEND": BACKEND}}
    else:
        settings.EMAIL_BACKEND = BACKEND
    configure(settings, OTP_SENDER_CLASS="swap_user.otp.senders.EmailOTPSender")


def test_a_login() -> None:
    """The backend gets the code with both bodies, and the visitor gets in."""
    user, client = make_user(), Client()
    client.post("/account/login/", {"username": username()})
    assert wait_for_deliveries()
    (message,) = mail.outbox
    sent = message.anymail_test_params
    assert [each.addr_spec for each in sent["to"]] == [user.email]
    code = next(word for word in sent["text_body"].split() if word.isdigit() and len(word) == 6)
    assert code in sent["html_body"]
    assert client.post("/account/check-otp/", {"otp": code}).status_code == 302
    assert message.anymail_status.status == {"sent"}
