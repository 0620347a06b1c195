"""A page for adding an app that is seen twice: after a wrong code, a reload, an outage."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from swap_user.models import Authenticator
from tests.otp.pages.login.helpers import complaints, text
from tests.otp.pages.methods.helpers import ADD, METHODS, freshen, make_stale, secret_in, totp_of
from tests.support import give

pytestmark = pytest.mark.django_db

CONFIRM = f"{ADD}?confirm"


def picture(response: Any) -> str:
    """The QR code on a page."""
    (found,) = re.findall(
        r'class="(?:otp|swap)-qr".*?(<svg.*?</svg>)', response.content.decode(), re.DOTALL
    )
    return str(found)


@pytest.fixture
def shown(client: Client, user: Any) -> Any:
    """The page with the QR code, reached as a browser does."""
    response = client.post(ADD, {"name": "Work phone"}, follow=True)
    assert response.redirect_chain == [(CONFIRM, 302)]
    return response


@pytest.mark.parametrize("otp", ["000000", "", "abc", "\x00", "1" * 65])
def test_a_wrong_code_shows_the_same_key_again(client: Client, shown: Any, otp: str) -> None:
    """The picture and the key are those of before, and the right code still counts."""
    again = client.post(CONFIRM, {"otp": otp})
    assert complaints(again, "otp")
    assert secret_in(again) == secret_in(shown)
    assert picture(again) == picture(shown)
    assert client.post(CONFIRM, {"otp": totp_of(secret_in(again))}).status_code == 302
    assert Authenticator.objects.filter(type="totp").count() == 1


def test_a_reload_shows_the_same_key_again(client: Client, shown: Any) -> None:
    """Also from the first step of the page, which says that an app waits for its code."""
    assert secret_in(client.get(CONFIRM)) == secret_in(shown)
    first_step = text(client.get(ADD))
    assert f'href="{CONFIRM}"' in first_step
    assert "Work phone" in first_step


def test_an_outage_shows_the_same_key_again(
    client: Client, shown: Any, settings: Any, redis_away: Callable[[], None]
) -> None:
    """With what was typed."""
    caches, otp = settings.CACHES, totp_of(secret_in(shown))
    redis_away()
    response = client.post(CONFIRM, {"otp": otp})
    assert response.status_code == 503
    assert secret_in(response) == secret_in(shown)
    assert f'value="{otp}"' in text(response)
    settings.CACHES = caches
    assert client.post(CONFIRM, {"otp": otp}).status_code == 302


def test_a_reload_after_ten_minutes_says_so(client: Client, clock: Any, shown: Any) -> None:
    """And asks for a name again."""
    clock.shift(601)
    freshen(client)
    page = text(client.get(CONFIRM))
    assert "That took too long." in page
    assert 'name="name"' in page
    # A bookmark of the page is no error: nothing took too long.
    assert "That took too long." not in text(client.get(ADD))


def test_a_login_in_between_leads_back_to_the_key(client: Client, shown: Any) -> None:
    """A login that is no longer recent is asked for before the code counts."""
    make_stale(client)
    response = client.post(CONFIRM, {"otp": "000000"})
    assert response["Location"].endswith("?next=/admin/sign-in-methods/add/%3Fconfirm")


def test_no_more_than_one_may_have_at_the_end_too(client: Client, user: Any, shown: Any) -> None:
    """Others were added in another tab meanwhile."""
    for _ in range(20):
        give(user)
    response = client.post(CONFIRM, {"otp": totp_of(secret_in(shown))}, follow=True)
    assert response.redirect_chain == [(METHODS, 302)]
    assert "as many as one account may have" in text(response)
    assert Authenticator.objects.filter(type="totp").count() == 20


@pytest.mark.requirement("R26", "R27")
def test_no_key_in_session_or_address(client: Client, user: Any) -> None:
    """What waits in the session is encrypted, and no address contains the key."""
    response = client.post(ADD, {"name": "Work phone"}, follow=True)
    secret = secret_in(response)
    assert secret not in str([row.get_decoded() for row in Session.objects.all()])
    assert all(secret not in url for url, _ in response.redirect_chain)
    assert "no-store" in response["Cache-Control"]
