"""Sign-up, and a change of the address that codes are sent to."""

from __future__ import annotations

from importlib import import_module

from tests.docs.scenarios.own_pages import LOGIN, words
from tests.docs.scenarios.steps import mailed, scenario

SIGN_UP, CHANGE = "/account/sign-up/", "/account/change-username/"


@scenario("addresses")
def _addresses() -> None:
    from django.contrib.auth import get_user_model
    from django.test import Client

    example = import_module("mysite.example")
    users, client = get_user_model()._default_manager, Client()
    assert SIGN_UP in words(client.get(LOGIN))
    assert "I accept the terms" in words(client.get(SIGN_UP))
    entered = {"username": "new@example.com"}
    assert "This field is required" in words(client.post(SIGN_UP, entered))
    assert client.post(SIGN_UP, {**entered, "terms": "on"})["Location"] == SIGN_UP
    assert client.post(SIGN_UP, {"otp": mailed()}).status_code == 302
    user = users.get(email="new@example.com")
    assert example.may_get_invoices(user)
    assert client.post(CHANGE, {"username": "newer@example.com"})["Location"] == CHANGE
    assert client.post(CHANGE, {"otp": mailed()}).status_code == 302
    assert users.get(pk=user.pk).email == "newer@example.com"
    assert example.may_get_invoices(user)
    users.filter(pk=user.pk).delete()
