"""Renaming and removing authenticators, and new recovery codes."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from swap_user.models import Authenticator
from swap_user.otp import generate_recovery_codes
from tests.otp.pages.login.helpers import CHECK, LOGIN, LOGOUT, text
from tests.otp.pages.methods.helpers import ADD, CODES, METHODS, remove, rename
from tests.support import give, make_user, username

pytestmark = pytest.mark.django_db


def test_rename(client: Client, user: Any) -> None:
    """A name is stored with its white space tidied; one that is too long is refused."""
    row = give(user, name="One")
    assert 'value="One"' in text(client.get(rename(row)))
    assert client.post(rename(row), {"name": " My\n phone "})["Location"] == METHODS
    row.refresh_from_db()
    assert row.name == "My phone"
    assert client.post(rename(row), {"name": "x" * 65}).status_code == 200


@pytest.mark.requirement("R37")
def test_remove(client: Client, user: Any, notices: Any) -> None:
    """An authenticator is removed, the owner is notified, and the last one is announced."""
    row, other = give(user, name="One"), give(user, name="Two")
    assert "the last one" not in text(client.get(remove(row)))
    response = client.post(remove(row), follow=True)
    assert "“One” was removed." in text(response)
    assert list(Authenticator.objects.all()) == [other]
    assert len(notices) == 1
    assert "It is the last one." in text(client.get(remove(other)))


def test_what_is_not_ones_own(client: Client, user: Any) -> None:
    """Does not exist here: another's, a sent code's, none at all."""
    theirs = give(make_user(2))
    client.post(LOGIN, {"username": username()})
    sent = Authenticator.objects.filter(type="sent").first() or Authenticator(pk=uuid4())
    for row in [theirs, sent, Authenticator(pk=uuid4())]:
        for address in [rename(row), remove(row)]:
            assert client.get(address).status_code == 404
            assert client.post(address, {"name": "x"}).status_code == 404
    assert Authenticator.objects.filter(pk=theirs.pk).exists()


@pytest.mark.requirement("R31", "R37")
def test_recovery_codes(client: Client, user: Any, notices: Any) -> None:
    """A new set ends the one before; see test_recovery_codes.py for what is shown when."""
    old = generate_recovery_codes(user)
    notices.clear()
    assert "You have 10 left." in text(client.get(CODES))
    response = client.post(CODES, follow=True)
    codes = re.findall(r"<li><code[^>]*>([0-9A-Z-]+)</code>", response.content.decode())
    assert len(set(codes)) == 10
    assert not set(codes) & set(old)
    assert len(notices) == 1
    assert not any(code in str(client.session.items()) for code in codes)
    client.post(LOGOUT)
    client.post(LOGIN, {"username": username()})
    assert client.post(CHECK, {"otp": old[0]}).status_code == 200
    assert client.post(CHECK, {"otp": codes[0]}).status_code == 302


def test_text_that_is_not_unicode(client: Client, user: Any) -> None:
    """A request can smuggle lone surrogates in by its charset: 400, never a 500."""
    body = b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n+2AA-\r\n--x--\r\n'
    kind = "multipart/form-data; boundary=x; charset=utf-7"
    for address in (rename(give(user)), ADD):
        assert client.generic("POST", address, body, content_type=kind).status_code == 400
    assert client.get(ADD).status_code == 200
