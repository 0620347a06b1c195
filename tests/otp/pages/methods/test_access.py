"""Who may change sign-in methods, by which requests, and which sessions end then."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from swap_user.models import Authenticator, RecoveryCode
from swap_user.testing import log_in, outbox
from tests.otp.pages.login.helpers import CHECK, INDEX, LOGIN, STEP_UP, text
from tests.otp.pages.methods.helpers import (
    ADD,
    CODES,
    METHODS,
    add,
    begin,
    is_in,
    make_stale,
    remove,
    rename,
    totp_of,
)
from tests.otp.pages.sites import ADMIN, only_admin, only_own
from tests.support import give, make_user, username

pytestmark = pytest.mark.django_db


@pytest.mark.requirement("R26")
def test_get_changes_nothing(client: Client, user: Any) -> None:
    """No GET request adds, renames or removes anything."""
    row = give(user, name="One")
    secret = begin(client)
    client.get(ADD, {"otp": totp_of(secret), "confirm": ""})
    client.get(CODES, {"post": "yes"})
    client.get(rename(row), {"name": "Two"})
    client.get(remove(row), {"post": "yes"})
    assert [str(each) for each in Authenticator.objects.all()] == ["One"]
    assert not RecoveryCode.objects.exists()


@pytest.mark.requirement("R36")
@pytest.mark.parametrize("change", ["add", "remove", "codes"])
def test_other_sessions_end(client: Client, user: Any, change: str) -> None:
    """Each change ends the user's other sessions, and no other user's."""
    row = give(user)
    other, stranger = Client(), Client()
    log_in(other, user)
    log_in(stranger, make_user(2, is_staff=True))
    if change == "add":
        assert add(client).status_code == 302
    elif change == "remove":
        client.post(remove(row))
    else:
        client.post(CODES)
    assert (is_in(client), is_in(other), is_in(stranger)) == (True, False, True)


@pytest.mark.requirement("R37")
def test_changes_need_a_fresh_login(client: Client, clock: Any, user: Any, site: str) -> None:
    """Else a code is asked for: by the login page or, on the own pages, by one of its own."""
    asks = LOGIN if site == ADMIN else STEP_UP
    row = give(user, name="One")
    secret = begin(client)
    make_stale(client)
    assert client.get(METHODS).status_code == 200
    assert client.get(LOGIN)["Location"] == INDEX
    for address in [ADD, CODES, rename(row), remove(row)]:
        data = {"name": "Two", "otp": totp_of(secret)}
        for response in [client.get(address), client.post(address, data)]:
            assert response["Location"] == f"{asks}?next={address}"
            assert "no-store" in response["Cache-Control"]
    assert [str(each) for each in Authenticator.objects.all()] == ["One"]
    assert not RecoveryCode.objects.exists()


@pytest.mark.requirement("R37")
@only_admin("the own pages ask on a page of their own")
def test_the_login_page_asks_once_more(client: Client, clock: Any, user: Any) -> None:
    """Without a loop, and it leads back to the page that was asked for."""
    make_stale(client)
    response = client.get(ADD, follow=True)
    assert response.redirect_chain == [(f"{LOGIN}?next={ADD}", 302)]
    page = text(response)
    assert "please log in once more" in page
    assert "has no access" not in page
    assert f'value="{username()}"' in page
    assert is_in(client)
    response = client.post(LOGIN, {"username": username(), "next": ADD})
    assert response["Location"] == f"{CHECK}?next={ADD}"
    assert client.get(response["Location"]).status_code == 200
    response = client.post(CHECK, {"otp": outbox[-1].otp, "next": ADD})
    assert response["Location"] == ADD
    assert client.get(ADD).status_code == 200
    assert client.get(LOGIN)["Location"] == INDEX


@pytest.mark.requirement("R37", "R51")
@only_own("the admin asks on its login page")
def test_a_page_of_its_own_asks_once_more(client: Client, clock: Any, user: Any) -> None:
    """Without a loop, and it leads back to the page that was asked for."""
    make_stale(client)
    response = client.get(ADD, follow=True)
    assert response.redirect_chain == [(f"{STEP_UP}?next={ADD}", 302)]
    assert outbox == []
    assert is_in(client)
    response = client.post(STEP_UP, {"next": ADD}, follow=True)
    assert response.redirect_chain == [(f"{STEP_UP}?next={ADD}", 302)]
    response = client.post(STEP_UP, {"otp": outbox[-1].otp, "next": ADD})
    assert response["Location"] == ADD
    assert client.get(ADD).status_code == 200
    assert client.get(STEP_UP)["Location"] == INDEX


def test_code_page_without_a_code(client: Client, user: Any) -> None:
    """Who has to log in once more begins at the beginning."""
    make_stale(client)
    client.get(ADD)
    assert client.get(CHECK)["Location"] == LOGIN


@pytest.mark.requirement("R40")
def test_nothing_is_stored(client: Client, user: Any) -> None:
    """No answer of these pages may be stored by browsers or proxies."""
    row = give(user)
    seen = [client.get(url) for url in [METHODS, ADD, CODES, rename(row), remove(row)]]
    seen += [client.post(ADD, {"name": "x"}), client.post(ADD, {"otp": "1"}), client.post(CODES)]
    seen += [client.post(rename(row), {"name": "x"}), client.post(remove(row))]
    for response in seen:
        assert response.status_code in {200, 302}
        assert "no-store" in response["Cache-Control"]


def test_forged_requests_are_refused(user: Any) -> None:
    """Every page checks the CSRF token."""
    client = Client(enforce_csrf_checks=True)
    log_in(client, user)
    row = give(user)
    for address in [ADD, CODES, rename(row), remove(row)]:
        assert client.post(address, {"name": "x"}).status_code == 403


def test_nothing_inline(client: Client, user: Any) -> None:
    """A strict Content-Security-Policy forbids it; and every form carries a token."""
    row = give(user)
    seen = [client.get(url) for url in [METHODS, ADD, CODES, rename(row), remove(row)]]
    seen += [client.post(ADD, {"name": "x"}), client.post(CODES)]
    for response in seen:
        page = response.content.decode()
        assert re.findall(r"<style|\sstyle=|\son\w+=|javascript:", page) == []
        for script in re.findall(r"<script\b[^>]*>", page):
            assert "src=" in script or "application/json" in script
        assert page.count('method="post"') == page.count("csrfmiddlewaretoken")


def test_other_methods(client: Client, user: Any) -> None:
    """The pages take no other methods."""
    assert client.post(METHODS).status_code == 405
    assert client.put(ADD).status_code == 405


@only_admin("the own pages are for every user, and are tested with one who is not staff")
def test_users_without_staff_rights(client: Client) -> None:
    """A user who may not enter the admin is sent to the login page."""
    log_in(client, make_user())
    assert client.get(METHODS)["Location"] == f"{LOGIN}?next={METHODS}"
