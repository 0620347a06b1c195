"""Users change the address that codes are sent to (R50)."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model

from swap_user.models import AddressChange
from swap_user.otp.senders import AbstractOTPSender
from swap_user.testing import outbox
from tests.api.changes.conftest import events, is_in
from tests.api.clients import AppClient, logged_in
from tests.api.conftest import sent_code
from tests.clock import Clock
from tests.otp.pages.login.helpers import wrong
from tests.support import configure, make_user, username

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R50")]


class ElsewhereSender(AbstractOTPSender):
    """A sender whose addresses are in another table."""

    def get_receiver(self, user: Any) -> str:
        return "somewhere"

    def send(self, receiver: str, otp: str, **kwargs: Any) -> None:
        raise AssertionError


def begin(member: Any, number: int = 2) -> str:
    """Ask for a change, and return the code that was sent to the new address."""
    before = len(outbox)
    response = member.post("username/", username=username(number))
    assert response.status_code == 202
    assert len(outbox) == before + 1
    assert outbox[-1].receiver == username(number)
    return outbox[-1].otp


def finish(member: Any, code: str) -> Any:
    """Show the code."""
    return member.post("username/confirm/", otp=code)


def stored(user: Any) -> str:
    """Return the username in the database, as codes are sent to it."""
    name = get_user_model()._default_manager.get(pk=user.pk).get_username()
    return str(getattr(name, "as_e164", name))


@pytest.mark.requirement("R36", "R53")
def test_change(member: Any, other: Any, user: Any) -> None:
    """A code to the new address, a notice to the former one, and other sessions end."""
    token = getattr(member, "token", "")
    code = begin(member)
    assert stored(user) == username(1)
    confirmed = finish(member, code)
    assert confirmed.status_code == 200
    assert confirmed.json()["user"]["username"] == username(2) == stored(user)
    assert is_in(member)
    assert not is_in(other)
    assert events() == ["receiver_changed"]
    assert AddressChange.objects.count() == 1
    assert finish(member, code).json()["code"] == "nothing_to_confirm"
    if token:
        assert member.token != token
        assert not is_in(AppClient(token=token))


def test_login_after_the_change(member: Any, new_client: Any) -> None:
    """With the new address only."""
    finish(member, begin(member))
    outbox.clear()
    new_client().start().ask(username(1))
    assert not outbox
    logged_in(new_client(), sent_code, username(2))


@pytest.mark.requirement("R32")
def test_address_of_another_account(member: Any, other: Any, user: Any) -> None:
    """The answers are those of a free one, and its owner is notified."""
    taken_by = make_user(2)
    free, taken = (
        client.post("username/", username=username(number))
        for client, number in ((other, 3), (member, 2))
    )
    assert (free.status_code, free.json()) == (taken.status_code, taken.json())
    assert [each.receiver for each in outbox] == [username(3)]
    assert [each.user for each in outbox.notices] == [taken_by]
    refused = finish(member, "12345678")
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_code")
    assert stored(user) == username(1)


def test_address_that_is_taken_meanwhile(member: Any, user: Any) -> None:
    """Said after the code was right."""
    code = begin(member)
    make_user(2)
    refused = finish(member, code)
    assert (refused.status_code, refused.json()["code"]) == (409, "username_taken")
    assert stored(user) == username(1)
    assert is_in(member)


def test_wrong_code(member: Any, user: Any) -> None:
    """400; the right one still counts."""
    code = begin(member)
    refused = finish(member, wrong(code))
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_code")
    assert is_in(member)
    assert finish(member, code).status_code == 200


@pytest.mark.requirement("R17")
def test_five_wrong_codes(member: Any, user: Any) -> None:
    """Then the right one is not accepted either."""
    code = begin(member)
    for _ in range(5):
        finish(member, wrong(code))
    limited = finish(member, code)
    assert (limited.status_code, limited.json()["code"]) == (429, "limited")
    assert int(limited["Retry-After"]) > 0
    assert stored(user) == username(1)


@pytest.mark.requirement("R23")
def test_code_in_another_session(member: Any, other: Any, user: Any) -> None:
    """It works only where it was asked for."""
    code = begin(member)
    assert finish(other, code).json()["code"] == "nothing_to_confirm"
    begin(other, 3)
    assert finish(other, code).json()["code"] == "invalid_code"
    assert stored(user) == username(1)


def test_code_of_a_login(member: Any, user: Any) -> None:
    """It confirms no address."""
    begin(member)
    member.ask()
    assert finish(member, sent_code()).json()["code"] == "invalid_code"


@pytest.mark.requirement("R22")
def test_code_that_has_expired(member: Any, user: Any, clock: Clock) -> None:
    """There is nothing to confirm any more."""
    code = begin(member)
    clock.shift(301)
    assert finish(member, code).json()["code"] == "nothing_to_confirm"
    assert stored(user) == username(1)


@pytest.mark.requirement("R21")
def test_asked_again(member: Any, clock: Clock) -> None:
    """At once nothing is sent, and the answer tells when another message is."""
    begin(member)
    again = member.post("username/", username=username(2))
    assert again.status_code == 202
    assert 0 < again.json()["resend_in"] <= 30
    assert len(outbox) == 1
    clock.shift(31)
    member.post("username/", username=username(2))
    assert len(outbox) == 2


@pytest.mark.parametrize("typed", ["", "   ", "\x00", "x" * 999])
def test_no_address(member: Any, typed: str) -> None:
    """400, with the member."""
    refused = member.post("username/", username=typed)
    assert refused.status_code == 400
    assert {each["pointer"] for each in refused.json()["errors"]} == {"#/username"}
    assert not outbox


def test_own_address(member: Any) -> None:
    """There is nothing to change."""
    assert member.post("username/", username=username(1)).status_code == 400


def test_sender_with_addresses_of_its_own(member: Any, settings: Any) -> None:
    """This package can't change them."""
    configure(settings, OTP_SENDER_CLASS=f"{__name__}.ElsewhereSender")
    assert member.post("username/", username=username(2)).status_code == 404
    assert finish(member, "12345678").status_code == 404
