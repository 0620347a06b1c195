"""Known browsers and wrong codes, as the owner of an account sees them."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from swap_user.models import KnownBrowser, WrongGuess
from swap_user.otp import remember_browser
from swap_user.testing import log_in
from tests.otp.pages.login.helpers import text
from tests.otp.pages.methods.helpers import METHODS, is_in, make_stale
from tests.support import ask, enter, make_user, username, visitor

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0"


def known(user: Any, number: int = 1, user_agent: str = FIREFOX) -> tuple[KnownBrowser, str]:
    """Log in in a new browser, and return its row and its cookie."""
    request, response = visitor(HTTP_USER_AGENT=user_agent), HttpResponse()
    assert enter(request, ask(request, username(number)), username(number)) == user
    remember_browser(request, response)
    row = KnownBrowser.objects.filter(user=user).latest("pk")
    return row, response.cookies["swap_user_browser"].value


def forget(row: KnownBrowser) -> str:
    return f"{METHODS}browsers/{row.pk}/forget/"


def test_none_yet(client: Client, user: Any) -> None:
    """The page says when a browser is known."""
    page = text(client.get(METHODS))
    assert "A browser is known after a login with a code." in page
    assert "wrong code" not in page.replace("too many wrong ones", "")


def test_the_list(client: Client, user: Any) -> None:
    """The user's own browsers, escaped, and which of them is this one."""
    row, cookie = known(user)
    known(user, user_agent="<script>alert(1)</script>")
    other, _ = known(make_user(2), 2, "Another Browser/1.0")
    client.cookies["swap_user_browser"] = cookie
    response = client.get(METHODS)
    page = text(response)
    assert "Firefox, Linux" in page
    assert "<script>alert(1)" not in response.content.decode()
    assert page.count("This browser") == 1
    assert forget(row) in page
    assert forget(other) not in page
    assert "Another Browser" not in page


def test_a_browser_is_forgotten(client: Client, user: Any) -> None:
    """It counts as new at its next login, and no session ends. No recent login is needed."""
    row, cookie = known(user)
    kept, _ = known(user)
    log_in(other := Client(), user)
    make_stale(client)
    page = text(client.post(forget(row), follow=True))
    assert "The browser was forgotten." in page
    assert list(KnownBrowser.objects.filter(user=user)) == [kept]
    assert is_in(client)
    assert is_in(other)
    for _ in range(16):
        enter(visitor(), "12345678")
    request = visitor()
    request.COOKIES["swap_user_browser"] = cookie
    assert len(ask(request)) == 10


def test_only_ones_own(client: Client, user: Any) -> None:
    """The browser of another user stays known, and nothing tells that there is one."""
    row, _ = known(make_user(2), 2)
    theirs, none = client.post(forget(row)), client.post(f"{METHODS}browsers/999/forget/")
    assert (theirs.status_code, theirs["Location"]) == (none.status_code, none["Location"])
    assert KnownBrowser.objects.filter(pk=row.pk).exists()


@pytest.mark.requirement("R26")
def test_get_forgets_nothing(client: Client, user: Any) -> None:
    """It leads to the list, where the button is."""
    row, _ = known(user)
    assert client.get(forget(row))["Location"] == METHODS
    assert KnownBrowser.objects.filter(pk=row.pk).exists()


def test_it_needs_a_login(client: Client, user: Any) -> None:
    """As all of these pages do."""
    row, _ = known(user)
    assert Client().post(forget(row)).status_code == 302
    assert KnownBrowser.objects.filter(pk=row.pk).exists()


def test_wrong_codes_of_a_year(client: Client, user: Any) -> None:
    """The owner sees how many there were; those of before do not count."""
    now = int(time.time())
    for owner, days in ((user, 1), (user, 364), (user, 366), (make_user(2), 1), (None, 1)):
        WrongGuess.objects.create(user=owner, at=now - days * 86_400, units=4, is_known=False)
    page = text(client.get(METHODS))
    assert "2 wrong codes were tried for your account in the last 365 days." in page


def test_the_page_has_one_form_for_each_browser(client: Client, user: Any) -> None:
    """With a label that says which browser it is."""
    known(user)
    page = text(client.get(METHODS))
    assert re.search(r'aria-label="Forget Firefox, Linux"', page)
