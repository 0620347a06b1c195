"""Two codes in turn, recovery codes, the password first, and two names in one flow."""

from __future__ import annotations

import time
from typing import Any

import pytest

from swap_user.otp import generate_recovery_codes
from swap_user.testing import outbox
from tests.api.clients import AppClient
from tests.api.promises.conftest import code
from tests.api.promises.test_nothing_to_learn import login_with
from tests.support import give, make_user, totp, use_policy, username

pytestmark = pytest.mark.django_db

NOT_SENT = [["authenticator", "recovery"]]
ANY = [["authenticator", "recovery", "sent"]]


def is_in(client: Any) -> bool:
    """Return whether a client is logged in. An app has no token before that."""
    if hasattr(client, "token") and not client.token:
        return False
    return bool(client.get("session/").status_code == 200)


@pytest.mark.requirement("R53")
@pytest.mark.user_model("no password")
def test_two_codes_in_turn(clock: Any, api: Any, user: Any, both: None) -> None:
    """The answer says what is missing, also after a mistake. The flow of before ends."""
    give(user)
    sent = code(api)
    flow = getattr(api, "flow", "")
    needed = api.enter(sent)
    assert (needed.status_code, needed.json()["code"]) == (409, "another_code_needed")
    assert needed.json()["missing"] == NOT_SENT
    assert not is_in(api)
    assert api.enter("000000").status_code == 401
    if flow:
        assert api.flow != flow
        former = AppClient(flow=flow)
        assert former.enter(totp(time.time())).json()["missing"] == [["sent"]]
        clock.shift(30)
    entered = api.enter(totp(time.time()))
    assert entered.status_code == 200
    assert {*entered.json()["factors"]} == {"sent", "authenticator"}


@pytest.mark.user_model("no password")
def test_the_app_first_and_then_the_sent_code(clock: Any, api: Any, user: Any, both: None) -> None:
    """The two codes may come in either order."""
    give(user)
    sent = code(api)
    assert api.enter(totp(time.time())).json()["missing"] == [["sent"]]
    assert api.enter(sent).status_code == 200


@pytest.mark.user_model("no password")
def test_half_a_login_is_none(clock: Any, api: Any, user: Any, new_client: Any, both: None) -> None:
    """Nor does the half of one client serve another."""
    give(user)
    api.enter(code(api))
    other = new_client().start()
    other.ask()
    assert other.enter(totp(time.time())).json()["missing"] == [["sent"]]
    assert not is_in(api)
    assert not is_in(other)


@pytest.mark.requirement("R31")
def test_recovery_code_in_the_same_member(api: Any, user: Any, new_client: Any) -> None:
    """In lower case and without dashes, too; the answer says how many are left."""
    codes = generate_recovery_codes(user)
    api.ask()
    entered = api.enter(f" {codes[0].lower().replace('-', ' ')} ")
    assert entered.json()["recovery_codes_left"] == 9
    other = new_client().start()
    other.ask()
    assert other.enter(codes[0]).status_code == 401


@pytest.mark.user_model("password")
def test_password_first(clock: Any, api: Any, user: Any, both: None) -> None:
    """The right password alone does not log in: then a code can be asked for."""
    user.set_password("correct horse")
    user.save()
    asked = api.ask()
    assert (asked.status_code, asked.json()["missing"]) == (409, [["password"]])
    assert outbox == []
    needed = login_with(api, "correct horse")
    assert (needed.status_code, needed.json()["missing"]) == (409, ANY)
    assert not is_in(api)
    entered = api.enter(code(api))
    assert entered.status_code == 200
    assert {*entered.json()["factors"]} == {"password", "sent"}
    assert is_in(api)


@pytest.mark.user_model("password")
def test_no_code_without_the_password(api: Any, user: Any, settings: Any) -> None:
    """Not even one that was asked for before the policy was changed."""
    otp = code(api)
    use_policy(settings, "Both")
    refused = api.enter(otp)
    assert (refused.status_code, refused.json().get("missing")) == (409, [["password"]])
    assert not is_in(api)


@pytest.mark.user_model("password")
def test_password_of_another_name(api: Any, user: Any, both: None) -> None:
    """It opens the second step of its own name only."""
    other = make_user(2)
    for each in (user, other):
        each.set_password("correct horse")
        each.save()
    login_with(api, "correct horse")
    assert api.ask(username(2)).status_code == 409
    assert outbox == []


@pytest.mark.user_model("password")
@pytest.mark.requirement("R53")
def test_flow_of_before_the_password(clock: Any, user: Any, both: None) -> None:
    """Who knows it has no part in the rest of the login."""
    user.set_password("correct horse")
    user.save()
    app = AppClient()
    app.flow = login_with(app, "wrong").json().get("flow", "")
    former = AppClient(flow=app.flow) if app.flow else AppClient()
    login_with(app, "correct horse")
    otp = code(app)
    refused = former.enter(otp)
    assert refused.status_code in {401, 409}
    assert not former.token
    assert app.enter(otp).status_code == 200


def test_two_names_in_one_flow(api: Any, user: Any) -> None:
    """Each code counts for its own name."""
    other = make_user(5)
    first, second = code(api), code(api, username(5))
    assert api.enter(first, username(5)).status_code == 401
    entered = api.enter(second, username(5))
    assert entered.json()["user"]["id"] == str(other.pk)


def test_flow_lost_half_way(new_client: Any, user: Any) -> None:
    """Without its session a client starts over."""
    client = new_client().start()
    otp = code(client)
    other = new_client().start()
    assert other.enter(otp).status_code == 401
    assert client.enter(otp).status_code == 200


@pytest.mark.user_model("password")
def test_password_counts_for_ten_minutes(clock: Any, api: Any, user: Any, both: None) -> None:
    """Also if the flow is kept alive: then the password has to be shown again."""
    user.set_password("correct horse")
    user.save()
    login_with(api, "correct horse")
    clock.shift(500)
    assert api.ask().status_code == 202
    clock.shift(101)
    assert api.ask().json()["missing"] == [["password"]]
