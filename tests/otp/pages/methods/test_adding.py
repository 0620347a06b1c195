"""Adding an authenticator app."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client

from swap_user.models import Authenticator
from swap_user.otp.authenticators.secrets import open_secret
from swap_user.otp.crypto.hotp import code_at
from swap_user.otp.pages.methods import pending
from swap_user.testing import log_in
from tests.otp.pages.login.helpers import CHECK, LOGIN, LOGOUT, complaints, text, words
from tests.otp.pages.methods.helpers import ADD, CODES, METHODS, add, begin, freshen, totp_of
from tests.support import NOW, give, make_user, username

pytestmark = pytest.mark.django_db


@pytest.mark.requirement("R15", "R37")
def test_add(client: Client, clock: Any, user: Any, notices: Any) -> None:
    """A code confirms it and is used up; the owner is notified, and is offered recovery codes."""
    secret = begin(client)
    assert not Authenticator.objects.exists()
    code = totp_of(secret)
    response = client.post(ADD, {"otp": f" {code[:3]} {code[3:]} "})
    assert response["Location"] == CODES
    row = Authenticator.objects.get()
    assert (row.user, row.type, row.name) == (user, "totp", "Work phone")
    assert open_secret(row).rstrip("=") == secret
    assert "“Work phone” was added." in text(client.get(CODES))
    assert pending.SESSION_KEY not in client.session
    assert [told for told, _ in notices] == [user]
    client.post(LOGOUT)
    client.post(LOGIN, {"username": username()})
    assert client.post(CHECK, {"otp": code}).status_code == 200
    assert client.post(CHECK, {"otp": totp_of(secret, NOW + 30)}).status_code == 302


def test_the_second_leads_to_the_overview(client: Client, user: Any) -> None:
    """Recovery codes are offered after the first app only."""
    add(client, "One")
    assert add(client, "Two")["Location"] == METHODS


def test_add_by_counter(client: Client, user: Any) -> None:
    """A counter-based authenticator can be added, without a name too."""
    secret = begin(client, "", type="hotp")
    assert client.post(ADD, {"otp": code_at(secret, 0)}).status_code == 302
    assert str(Authenticator.objects.get()) == "Counter-based authenticator"


def test_the_picture_names_site_and_account(client: Client, user: Any) -> None:
    """The QR code has a label, and its link names the site."""
    page = unescape(client.post(ADD, {"name": "x"}, follow=True).content.decode())
    assert 'href="otpauth://totp/testserver:' in page
    assert 'role="img" aria-label="QR code' in page
    assert "<svg" in page


@pytest.mark.parametrize(
    ("type_", "last"), [("totp", "Period: 30 s"), ("hotp", "Type: counter-based")]
)
def test_what_an_app_may_ask_for(client: Client, user: Any, type_: str, last: str) -> None:
    """Labels with values, as in the forms of apps for a key that is typed in."""
    page = client.post(ADD, {"name": "", "type": type_}, follow=True)
    assert f"Algorithm: SHA-1 · Digits: 6 · {last}" in words(page)


def test_wrong_code(client: Client, user: Any) -> None:
    """A wrong code adds nothing; the right one still works."""
    secret = begin(client)
    response = client.post(ADD, {"otp": "000000"})
    assert response.status_code == 200
    assert "That is not the code." in text(response)
    assert not Authenticator.objects.exists()
    assert client.post(ADD, {"otp": totp_of(secret)}).status_code == 302


def test_too_late(client: Client, clock: Any, user: Any) -> None:
    """An enrollment that waited for more than ten minutes is refused."""
    secret = begin(client)
    clock.shift(601)
    freshen(client)
    response = client.post(ADD, {"otp": totp_of(secret)})
    assert "That took too long." in text(response)
    assert not Authenticator.objects.exists()


def test_somebody_elses_session_entry(client: Client, user: Any) -> None:
    """A waiting enrollment is bound to its user."""
    secret = begin(client)
    packed = client.session[pending.SESSION_KEY]
    other = Client()
    log_in(other, make_user(2, is_staff=True))
    session = other.session
    session[pending.SESSION_KEY] = packed
    session.save()
    response = other.post(ADD, {"otp": totp_of(secret)})
    assert response.status_code == 200
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize("data", [{"name": "x" * 65}, {"name": "\x00"}, {"name": "", "type": "s"}])
def test_odd_input(client: Client, user: Any, data: dict[str, str]) -> None:
    """A name or type that is not valid is an error of the form."""
    response = client.post(ADD, data)
    assert response.status_code == 200
    assert any(complaints(response, name) for name in data)
    assert pending.SESSION_KEY not in client.session


@pytest.mark.parametrize("otp", ["", "abc", "\x00", "1" * 65, "9" * 100_000])
def test_odd_codes(client: Client, user: Any, otp: str) -> None:
    """An odd text is a wrong code."""
    begin(client)
    assert complaints(client.post(ADD, {"otp": otp}), "otp")


def test_redis_away(
    client: Client, user: Any, settings: Any, redis_away: Callable[[], None]
) -> None:
    """Said in words; what was typed is kept and counts later."""
    code = totp_of(begin(client))
    caches = settings.CACHES
    redis_away()
    response = client.post(ADD, {"otp": code})
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert f'value="{code}"' in text(response)
    settings.CACHES = caches
    assert client.post(ADD, {"otp": code}).status_code == 302


def test_a_host_that_is_an_address(client: Client, user: Any) -> None:
    """Whatever the host looks like, an app can be added."""
    for host in ("[::1]:8000", "[a:b]", "127.0.0.1:8000"):
        response = client.post(ADD, {"name": "Phone", "type": "totp"}, headers={"host": host})
        assert response.status_code in {302, 400}


def test_no_more_than_one_may_have(client: Client, clock: Any, user: Any) -> None:
    """Said in words, and nothing is begun."""
    for _ in range(20):
        give(user)
    response = client.post(ADD, {"name": "One more", "type": "totp"}, follow=True)
    assert "as many as one account may have" in response.content.decode()
