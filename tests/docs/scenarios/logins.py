"""The README, the tutorial, user models and admin sites."""

from __future__ import annotations

import contextlib
import io
import re

from tests.docs.scenarios.steps import (
    EMAIL,
    PHONE,
    log_in,
    mailed,
    remembered,
    scenario,
    user_known_by,
)


@scenario("readme", "passwords")
def _log_in_by_email() -> None:
    user_known_by(EMAIL)
    log_in(EMAIL, mailed)


@scenario("log_in_by_phone")
def _log_in_by_phone() -> None:
    user_known_by(PHONE)
    log_in("+44 7400 123456", remembered)


@scenario("tutorial")
def _tutorial() -> None:
    from django.test import override_settings

    _log_in_by_email()
    with override_settings(SWAP_USER={}):  # as before step 7
        terminal = io.StringIO()
        with contextlib.redirect_stdout(terminal):
            log_in(EMAIL, lambda: re.search(r"\b\d{6}\b", terminal.getvalue())[0])


@scenario("auth-user")
def _auth_user() -> None:
    user_known_by("me", email=EMAIL)
    log_in("me", mailed)


@scenario("user-model")
def _own_user_model() -> None:
    from django.core.management import call_command
    from django.test import Client

    from swap_user import testing

    call_command("makemigrations", check=True, verbosity=0)
    user = user_known_by(EMAIL)
    assert user.get_full_name() == EMAIL
    log_in(EMAIL, mailed)
    client = Client()
    testing.log_in(client, user)
    for address in ("", "add/", f"{user.pk}/change/"):
        assert client.get(f"/admin/members/member/{address}").status_code == 200
    client.post("/admin/members/member/add/", {"email": "NEW@example.com"})
    assert user_known_by("new@example.com").is_superuser is False


@scenario("admin-sites")
def _admin_sites() -> None:
    from django.contrib import admin
    from django.contrib.auth.models import Group

    user = user_known_by(EMAIL)
    for site in ("/admin/", "/support/"):
        log_in(EMAIL, mailed, site)
    user.is_superuser = False
    user.save()
    with contextlib.suppress(AssertionError):
        log_in(EMAIL, mailed, "/support/")
        raise RuntimeError("got in without the group")
    user.groups.add(Group.objects.create(name="support"))
    log_in(EMAIL, mailed, "/support/")
    assert admin.site.site_header == "Support"
