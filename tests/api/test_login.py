"""A login through the API, by a page with scripts and by an app."""

from __future__ import annotations

from typing import Any

import pytest

from swap_user.testing import outbox
from tests.api.clients import AppClient, BrowserClient
from tests.api.conftest import sent_code
from tests.support import username

pytestmark = pytest.mark.django_db


def test_log_in(api: Any, user: Any) -> None:
    asked = api.ask()
    assert asked.status_code == 202
    assert asked.json()["expires_in"] == 300

    entered = api.enter(sent_code())

    assert entered.status_code == 200
    assert entered.json()["user"] == {"id": str(user.pk), "username": username()}
    assert [*entered.json()["factors"]] == ["sent"]
    shown = api.get("session/")
    assert shown.status_code == 200
    assert shown.json()["user"] == entered.json()["user"]
    assert shown.json()["is_fresh"] is True


def test_log_out(member: Any) -> None:
    assert member.delete("session/").status_code == 204
    assert member.get("session/").status_code == 401


def test_same_answer_for_every_name(api: Any, user: Any, new_client: Any) -> None:
    other = new_client().start()
    known, unknown = api.ask(), other.ask(username(2))
    assert known.status_code == unknown.status_code == 202
    assert {**known.json(), "flow": ""} == {**unknown.json(), "flow": ""}
    assert len(outbox) == 1


def test_wrong_code(api: Any, user: Any) -> None:
    api.ask()
    wrong = api.enter("000000" if sent_code() != "000000" else "000001")
    assert wrong.status_code == 401
    assert wrong.json()["code"] == "invalid_code"
    assert api.enter(sent_code()).status_code == 200


def test_code_counts_once(api: Any, user: Any, new_client: Any) -> None:
    api.ask()
    code = sent_code()
    flow = getattr(api, "flow", "")
    assert api.enter(code).status_code == 200
    again = new_client().start()
    if flow:
        again.flow = flow
    assert again.enter(code).status_code == 401


def test_code_is_bound_to_its_flow(api: Any, user: Any, new_client: Any) -> None:
    api.ask()
    stranger = new_client().start()
    stranger.ask(username(2))
    assert stranger.enter(sent_code()).status_code == 401
    assert api.enter(sent_code()).status_code == 200


def test_four_calls_of_an_app(user: Any) -> None:
    app = AppClient()
    app.ask()
    app.enter(sent_code())
    assert app.token.startswith("sut_")
    assert app.get("session/").status_code == 200


def test_browser_gets_no_token(user: Any) -> None:
    browser = BrowserClient().start()
    browser.ask()
    assert not {"session_token", "flow", "known_browser"} & browser.enter(sent_code()).json().keys()
