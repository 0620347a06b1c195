"""The pages do not show who has an account, and keep codes out of addresses."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from swap_user.testing import outbox
from tests.otp.pages.login.helpers import (
    CHECK,
    INACTIVE,
    LOGIN,
    NO_STAFF,
    NOBODY,
    RESEND,
    ask,
    code,
    enter,
    logged_in,
    same,
    wrong,
)
from tests.support import make_user, username

pytestmark = pytest.mark.django_db


@pytest.mark.requirement("R32")
def test_accounts_that_exist_look_like_those_that_do_not(clock: Any) -> None:
    """Every page is the same for a user, an unknown name, and users who may not log in."""
    make_user(INACTIVE, is_staff=True, is_active=False)
    make_user(NO_STAFF)

    def walk(number: int) -> list[Any]:
        client, name = Client(), username(number)
        seen = [ask(client, name), client.get(CHECK), enter(client, "000000x"), ask(client, name)]
        seen += [client.post(RESEND), client.get(CHECK)]
        clock.shift(31)
        seen += [client.post(RESEND), client.get(CHECK)]
        clock.shift(301 - 31)
        seen += [client.get(CHECK), enter(client, "000000x")]
        clock.shift(-301)
        return [same(response, name) for response in seen]

    known = walk(1)
    for number in [NOBODY, INACTIVE, NO_STAFF]:
        assert walk(number) == known


@pytest.mark.requirement("R32")
def test_session_holds_no_trace_of_whether_the_account_exists() -> None:
    """The session has the same keys for a known and an unknown name."""

    def keys(number: int) -> set[str]:
        client = Client()
        ask(client, username(number))
        return set(client.session.keys())

    assert keys(1) == keys(NOBODY)


@pytest.mark.requirement("R26")
@pytest.mark.parametrize("method", ["get", "head"])
def test_code_in_an_address_does_nothing(client: Client, method: str) -> None:
    """A code in the query string is ignored and stays valid."""
    otp = code(client)
    response = getattr(client, method)(CHECK, {"otp": otp, "username": username()})
    assert response.status_code == 200
    assert otp not in response.content.decode()
    assert not logged_in(client)
    response = client.post(f"{CHECK}?otp={otp}")
    assert response.status_code == 200
    assert not logged_in(client)
    assert enter(client, otp).status_code == 302


@pytest.mark.requirement("R26")
def test_get_sends_nothing(client: Client) -> None:
    """No message is sent without a form."""
    client.get(LOGIN, {"username": username()})
    client.post(f"{LOGIN}?username={username()}")
    client.get(RESEND)
    assert outbox == []


@pytest.mark.requirement("R26")
def test_no_code_in_any_address(client: Client) -> None:
    """No redirect and no page contains the code."""
    response = ask(client, next="/admin/")
    assert outbox[-1].otp not in response["Location"]
    response = enter(client, wrong(outbox[-1].otp))
    assert outbox[-1].otp not in response.content.decode()
