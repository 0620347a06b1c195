"""What a visitor has entered for a sign-up that they do not finish."""

from __future__ import annotations

from typing import Any

import pytest
from django import forms
from django.test import Client

from swap_user.otp.views import SignUpForm
from swap_user.testing import outbox
from tests.clock import Clock
from tests.otp.pages.addresses.test_sign_up import LOGIN, SIGN_UP, begin
from tests.otp.pages.login.helpers import field
from tests.support import configure, make_user, username

pytestmark = pytest.mark.django_db

NICKNAME = "nick-of-a-visitor"
HOUR, LIFE = 3600, 300


class NicknameForm(SignUpForm):
    """Asks for a nickname."""

    nickname = forms.CharField(max_length=20)


@pytest.fixture(autouse=True)
def _switched_on(settings: Any, clock: Clock) -> None:
    configure(settings, OTP_SIGN_UP=f"{__name__}.NicknameForm")


@pytest.fixture
def client() -> Client:
    """A visitor who has filled in the form, and got a code."""
    client = Client()
    begin(client, nickname=NICKNAME)
    assert keeps(client)
    return client


def keeps(client: Client) -> bool:
    """Return whether the session still has something of the form."""
    stored = str(dict(client.session.items()))
    return NICKNAME in stored or username() in stored


def is_filled_in(response: Any) -> bool:
    return field(response, "nickname").get("value") == NICKNAME


def test_while_the_code_works(client, clock):
    """It is kept, and the form can be corrected."""
    clock.shift(LIFE - 1)
    client.get(LOGIN)
    for _ in range(2):
        assert is_filled_in(client.get(f"{SIGN_UP}?new"))
    assert keeps(client)


@pytest.mark.parametrize("method", ["get", "post"])
def test_when_the_code_has_expired(client, clock, method):
    """The form is filled in for the last time."""
    clock.shift(LIFE)
    response = getattr(client, method)(SIGN_UP, {"otp": "12345678"}, follow=True)
    assert is_filled_in(response)
    assert not keeps(client)
    assert not is_filled_in(client.get(SIGN_UP))


def test_long_after_that(client, clock):
    """The browser may have another user by now."""
    clock.shift(LIFE + HOUR)
    assert not is_filled_in(client.get(SIGN_UP))
    assert not keeps(client)


@pytest.mark.parametrize("path", [LOGIN, "/account/check-otp/", "/admin/login/"])
def test_the_pages_of_the_login_forget_it_too(client, clock, path):
    """When the code has expired."""
    clock.shift(LIFE)
    client.get(path)
    assert not keeps(client)


def test_another_message_gives_it_more_time(client, clock):
    """As it does to the code."""
    clock.shift(LIFE - 10)
    client.post(SIGN_UP)
    clock.shift(20)
    client.get(LOGIN)
    client.post(SIGN_UP, {"otp": outbox[-1].otp})
    assert client.get("/account/sign-in-methods/").status_code == 200


@pytest.mark.parametrize("is_expired", [False, True])
def test_another_sign_up(client, clock, is_expired):
    """Its form takes the place of the first one, also if it is not accepted."""
    if is_expired:
        clock.shift(LIFE)
    response = client.post(SIGN_UP, {"username": username(2)})
    assert response.context["form"].errors["nickname"]
    assert keeps(client) == (not is_expired)
    clock.shift(31)
    client.post(SIGN_UP, {"username": username(2), "nickname": "other"})
    assert not keeps(client)
    assert client.session["_swap_user_sign_up"]["nickname"] == ["other"]


def test_a_login(client):
    """With a code of an account that the visitor has."""
    make_user(2)
    client.post(LOGIN, {"username": username(2)})
    client.post("/account/check-otp/", {"otp": outbox[-1].otp})
    assert "_auth_user_id" in client.session
    assert not keeps(client)


def test_a_login_of_another_kind(client):
    """Of another package, or in a test."""
    client.force_login(make_user(2), "swap_user.backends.OTPBackend")
    assert "_auth_user_id" in client.session
    assert not keeps(client)


@pytest.mark.parametrize("stored", [None, 7, ["x"], {"nickname": "text"}, {"nickname": [7]}])
def test_odd_values_in_the_session(client, stored):
    """Other code may write them. The form is shown."""
    session = client.session
    session["_swap_user_sign_up"] = stored
    session.save()
    assert client.get(f"{SIGN_UP}?new").status_code == 200
    assert client.post(SIGN_UP, {"otp": outbox[-1].otp}).status_code == 200
