"""The API does not show who has an account (R32)."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core import signing

from swap_user.api.flows import _salt
from tests.api.clients import AppClient, BrowserClient
from tests.api.promises.conftest import code, look
from tests.otp.pages.login.helpers import INACTIVE, NO_STAFF, NOBODY, wrong
from tests.support import make_user, username
from tests.user_models import HAS_PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R32")]


def test_accounts_that_exist_look_like_those_that_do_not(
    clock: Any, user: Any, new_client: Any
) -> None:
    """Every answer is the same for a user, an unknown name, and users who may not log in."""
    make_user(INACTIVE, is_active=False)
    make_user(NO_STAFF)

    def walk(number: int) -> list[Any]:
        client, name = new_client().start(), username(number)
        seen = [client.ask(name), client.enter("000000x", name), client.ask(name)]
        clock.shift(31)
        seen += [client.ask(name)]
        clock.shift(301 - 31)
        seen += [client.enter("000000x", name)]
        clock.shift(-301)
        return [look(response, name) for response in seen]

    known = walk(1)
    for number in [NOBODY, INACTIVE, NO_STAFF]:
        assert walk(number) == known


def test_flow_holds_no_trace_of_whether_the_account_exists(clock: Any, user: Any) -> None:
    """An app can read its flow: it holds the same for a known and an unknown name."""

    def content(number: int) -> dict[str, Any]:
        app = AppClient()
        app.ask(username(number))
        found = signing.loads(app.flow, salt=_salt())
        assert len(found.pop("_swap_user_flow")) == 22
        return dict(found)

    known, unknown = content(1), content(NOBODY)
    assert known.pop("_swap_user_code_request") | {"username": username(NOBODY)} == unknown.pop(
        "_swap_user_code_request"
    )
    assert known == unknown == {}


def test_session_holds_no_trace_of_whether_the_account_exists(user: Any) -> None:
    """Nor does that of a browser."""

    def keys(number: int) -> set[str]:
        browser = BrowserClient().start()
        browser.ask(username(number))
        return {*browser.client.session.keys()}

    assert keys(1) == keys(NOBODY)


def test_right_code_of_an_inactive_user(clock: Any, api: Any) -> None:
    """The answer is that of a wrong code."""
    user = make_user(INACTIVE)
    name = username(INACTIVE)
    otp = code(api, name)
    get_user_model().objects.filter(pk=user.pk).update(is_active=False)
    first, again = api.enter(otp, name), api.enter(wrong(otp), name)
    assert first.status_code == 401
    assert look(first, name) == look(again, name)


@pytest.mark.user_model("password")
def test_wrong_password(clock: Any, new_client: Any, user: Any, both: None) -> None:
    """The same answer whatever the reason."""
    for each in (user, make_user(INACTIVE, is_active=False)):
        each.set_password("correct horse")
        each.save()
    tries = [(1, "wrong"), (NOBODY, "wrong"), (INACTIVE, "correct horse"), (1, "x" * 4096)]
    seen = []
    for number, password in tries:
        client, name = new_client().start(), username(number)
        seen.append(look(login_with(client, password, name), name))
    assert seen == [seen[0]] * len(tries)
    assert seen[0]["status"] == 401


def login_with(client: Any, password: str, name: str | None = None) -> Any:
    """Show a password."""
    members = client.client_members() if hasattr(client, "client_members") else {}
    return client.post("session/", username=name or username(), password=password, **members)


@pytest.mark.parametrize("number", [1, NOBODY])
def test_password_where_none_is_asked_for(api: Any, user: Any, number: int) -> None:
    """It is wrong whatever it is, and no work is done for it."""
    if HAS_PASSWORD:
        user.set_password("correct horse")
        user.save()
    refused = login_with(api, "correct horse", username(number))
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_password")
