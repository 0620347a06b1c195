"""A sender that reads the EMAIL_FIELD of a user model with another username, as of auth.User."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from swap_user.models import AddressChange
from swap_user.otp.senders import email_address
from swap_user.testing import MemoryOTPSender, log_in, outbox
from tests.clock import Clock
from tests.otp.pages.addresses.test_sign_up import SIGN_UP, users
from tests.otp.pages.login.helpers import text
from tests.support import configure
from tests.user_models import UserModel

CHANGE = "/account/change-username/"
ANN, BOB, LONG = "ann@example.com", "bob@example.com", f"{'x' * 60}@{'y' * 60}.{'z' * 60}.example"

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.requirement("R50"),
    pytest.mark.skipif(UserModel._meta.label != "auth.User", reason="needs auth.User"),
]


class ByEmail(MemoryOTPSender):
    """Sends codes to the email address."""

    def get_receiver(self, user: Any) -> str:
        return email_address(user)


@pytest.fixture(autouse=True)
def _by_email(settings: Any, clock: Clock) -> None:
    configure(settings, OTP_SIGN_UP=True, OTP_SENDER_CLASS=f"{__name__}.ByEmail")


@pytest.fixture
def client() -> Client:
    return Client()


def make(name: str, email: str, **fields: Any) -> Any:
    return get_user_model()._default_manager.create(username=name, email=email, **fields)


def logged_in(client: Client, name: str) -> Any:
    user = make(name, ANN)
    log_in(client, user)
    outbox.clear()
    return user


def change_to(client: Client, address: str) -> Any:
    response = client.post(CHANGE, {"username": address})
    assert response.status_code == 302, text(response)
    assert outbox[-1].receiver == address
    return client.post(CHANGE, {"otp": outbox[-1].otp})


def test_the_username_is_another_one(client):
    """Only the email address changes."""
    user = logged_in(client, "ann")
    assert change_to(client, BOB).status_code == 302
    user.refresh_from_db()
    assert (user.username, user.email) == ("ann", BOB)


def test_the_username_is_the_address(client):
    """Both change, and both are given back."""
    user = logged_in(client, ANN)
    assert change_to(client, BOB).status_code == 302
    user.refresh_from_db()
    assert (user.username, user.email) == (BOB, BOB)


def test_another_account_has_the_username(client):
    """Its owner chose the address as a name. Nothing is changed, and nothing fails."""
    user = logged_in(client, ANN)
    make(BOB, "someone@example.com")
    response = change_to(client, BOB)
    assert "Another account has this address" in text(response)
    user.refresh_from_db()
    assert (user.username, user.email) == (ANN, ANN)
    assert not AddressChange.objects.exists()


def test_an_address_that_is_no_username(client):
    """Where the address is also the username, which is shorter, it is refused before a code."""
    logged_in(client, ANN)
    for address in (LONG, "o'brien@example.com"):
        response = client.post(CHANGE, {"username": address})
        assert "Enter a valid email address" in text(response)
        assert "Enter a valid email address" in text(Client().post(SIGN_UP, {"username": address}))
    assert not outbox


def test_a_long_address_with_another_username(client):
    """There it is accepted."""
    user = logged_in(client, "ann")
    assert change_to(client, LONG).status_code == 302
    user.refresh_from_db()
    assert user.email == LONG


def test_two_accounts_with_one_address(client):
    """The column is not unique, so a change may lead to it. A sign-up creates no third one."""
    user = logged_in(client, "ann")
    make("bob", BOB)
    assert change_to(client, BOB).status_code == 302
    user.refresh_from_db()
    assert user.email == BOB
    outbox.clear()
    visitor = Client()
    assert visitor.post(SIGN_UP, {"username": BOB}).status_code == 302
    assert not outbox
    assert users().count() == 2


def test_a_sign_up(client):
    """The address becomes the username too, and another case of it is the same one."""
    client.post(SIGN_UP, {"username": "Ann@Example.com"})
    assert client.post(SIGN_UP, {"otp": outbox[-1].otp}).status_code == 302
    user = users().get()
    assert (user.username, user.email) == (ANN, ANN)
    assert not user.has_usable_password()
    outbox.clear()
    Client().post(SIGN_UP, {"username": "ANN@example.com"})
    assert not outbox


def test_a_username_that_is_taken_at_a_sign_up(client):
    """Another account chose the address as its name. The owner of the address reads that."""
    make(ANN, "someone@example.com")
    client.post(SIGN_UP, {"username": ANN})
    response = client.post(SIGN_UP, {"otp": outbox[-1].otp})
    assert "A user with that username already exists" in text(response)
    assert users().count() == 1
