"""Who is refused, and what the pages say then."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY, get_user_model
from django.test import Client

from swap_user.testing import log_in
from tests.otp.pages.login.helpers import (
    CHECK,
    INACTIVE,
    INDEX,
    LOGIN,
    NO_STAFF,
    WRONG,
    code,
    enter,
    field,
    logged_in,
    same,
    text,
    wrong,
)
from tests.otp.pages.sites import only_admin, only_own
from tests.support import make_user, username

pytestmark = pytest.mark.django_db


def test_wrong_code(client: Client) -> None:
    """Said at the field, which is empty again; the right code still works."""
    otp = code(client)
    response = enter(client, wrong(otp))
    assert response.status_code == 200
    assert WRONG in text(response)
    assert "value" not in field(response, "otp")
    assert field(response, "otp")["aria-invalid"] == "true"
    assert "id_otp_error" in field(response, "otp")["aria-describedby"].split()
    assert 'id="id_otp_error"' in text(response)
    assert text(response).count("<title>Error:") == 1
    assert enter(client, otp).status_code == 302


@only_admin("the own pages let in every user who is active")
def test_right_code_without_staff_rights(client: Client, clock: Any) -> None:
    """The user is not logged in and sees the same page as after a wrong code."""
    make_user(NO_STAFF)
    otp = code(client, username(NO_STAFF))
    first = enter(client, otp)
    again = enter(client, wrong(otp))
    assert not logged_in(client)
    assert "or the account may have no access here." in text(first)
    assert same(first) == same(again)


@only_own("the admin lets in staff alone")
def test_users_without_staff_rights_are_let_in(client: Client) -> None:
    """The own pages are for every user who is active."""
    user = make_user(NO_STAFF)
    assert enter(client, code(client, username(NO_STAFF)))["Location"] == INDEX
    assert client.session[SESSION_KEY] == str(user.pk)


@pytest.mark.requirement("R32")
def test_right_code_of_an_inactive_user(client: Client, clock: Any) -> None:
    """A user who is not active is not let in, and the page is that of a wrong code."""
    user = make_user(INACTIVE, is_staff=True)
    otp = code(client, username(INACTIVE))
    get_user_model().objects.filter(pk=user.pk).update(is_active=False)
    first = enter(client, otp)
    again = enter(client, wrong(otp))
    assert not logged_in(client)
    assert same(first) == same(again)


@only_admin("the own pages let in every user who is active")
def test_logged_in_without_staff_rights(client: Client, staff: Any) -> None:
    """Said above the form, and another account can log in from there."""
    client.force_login(make_user(NO_STAFF))
    response = client.get(INDEX, follow=True)
    assert f"You are logged in as {username(NO_STAFF)}, but" in text(response)
    assert 'class="errornote"' in text(response)
    assert field(response, "username")
    enter(client, code(client))
    assert client.session[SESSION_KEY] == str(staff.pk)


@pytest.mark.parametrize("step", [LOGIN, CHECK])
def test_logged_in_already(client: Client, staff: Any, step: str) -> None:
    """Both pages redirect a visitor who is logged in."""
    log_in(client, staff)
    assert client.get(step)["Location"] == INDEX
    assert client.get(step, {"next": "/admin/x/"})["Location"] == "/admin/x/"
    assert client.get(step, {"next": "//evil.example/"})["Location"] == INDEX


def test_session_lost_half_way(client: Client) -> None:
    """Without its session the second step starts over."""
    otp = code(client)
    client.cookies.clear()
    assert enter(client, otp)["Location"] == LOGIN
    assert not logged_in(client)


def test_back_after_the_login(client: Client) -> None:
    """The form is sent once more: there is nothing to check any longer."""
    otp = code(client)
    enter(client, otp)
    assert enter(client, otp, next="/admin/")["Location"] == f"{LOGIN}?next=/admin/"
    assert client.get(f"{LOGIN}?next=/admin/")["Location"] == "/admin/"


def test_two_tabs(client: Client) -> None:
    """The last account that was asked for is the one whose code is asked for."""
    other = make_user(5, is_staff=True)
    first = code(client)
    second = code(client, username(5))
    assert username(5) in text(client.get(CHECK))
    assert WRONG in text(enter(client, first))
    assert enter(client, second).status_code == 302
    assert client.session[SESSION_KEY] == str(other.pk)
