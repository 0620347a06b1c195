"""Staff who must enroll an authenticator before they use the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from swap_user.models import Authenticator
from swap_user.testing import log_in, outbox
from tests.otp.pages.login.helpers import CHECK, INDEX, LOGIN, text
from tests.otp.pages.methods.helpers import ADD, CODES, METHODS, add, is_in
from tests.support import configure, give, make_user, username

pytestmark = pytest.mark.django_db


@pytest.fixture
def must_enroll(settings: Any) -> None:
    configure(settings, OTP_STAFF_MUST_ENROLL=True)


def test_staff_must_enroll(client: Client, must_enroll: None) -> None:
    """After the first login nothing but that, and after it everything."""
    user = make_user(is_staff=True, is_superuser=True)
    client.post(LOGIN, {"username": username()})
    assert client.post(CHECK, {"otp": outbox[-1].otp})["Location"] == INDEX
    for address in [INDEX, METHODS, CODES, "/admin/auth/group/", "/admin/nothing/"]:
        response = client.get(address)
        assert response["Location"] == f"{ADD}?next={address}"
        assert "no-store" in response["Cache-Control"]
        assert client.post(address)["Location"] == ADD
    response = client.get(INDEX, follow=True)
    assert "please add an authenticator app" in text(response)
    assert client.get("/admin/jsi18n/").status_code == 200
    Authenticator.objects.filter(user=user, type="totp").delete()
    assert add(client)["Location"] == CODES
    assert client.get(CODES).status_code == 200
    assert is_in(client)


def test_staff_can_leave_instead(client: Client, user: Any, must_enroll: None) -> None:
    """Logging out is possible before the enrollment."""
    assert client.post("/admin/logout/").status_code == 200
    assert client.get(LOGIN).status_code == 200


def test_must_enroll_costs_no_query(client: Client, user: Any, settings: Any) -> None:
    """The session remembers for five minutes that the user has an app."""
    give(user)
    client.get(METHODS)
    asked: list[int] = []
    for wanted in [False, True]:
        configure(settings, OTP_STAFF_MUST_ENROLL=wanted)
        client.get(METHODS)  # the first page asks
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/admin/jsi18n/").status_code == 200
            assert client.get(METHODS).status_code == 200
        asked.append(len(queries))
    assert asked[1] == asked[0]


def test_users_who_are_no_staff(client: Client, settings: Any, monkeypatch: Any) -> None:
    """In an admin that is open to others, the setting concerns these too, and a message says so."""
    monkeypatch.setattr(
        "django.contrib.admin.sites.AdminSite.has_permission",
        lambda site, request: request.user.is_active,
    )
    configure(settings, OTP_STAFF_MUST_ENROLL=True)
    user = make_user(is_staff=False)
    log_in(client, user)
    response = client.get(METHODS, follow=True)
    assert response.redirect_chain == [(f"{ADD}?next={METHODS}", 302)]
    assert "please add an authenticator app" in text(response)
    give(user)
    assert client.get(METHODS).status_code == 200
