"""How long a flow and the session of an app last, and how a session token is replaced."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from swap_user.api import flows
from swap_user.otp.policies import AnyCode
from swap_user.testing import outbox
from tests.api.clients import AppClient, BrowserClient, logged_in
from tests.api.conftest import sent_code
from tests.clock import Clock
from tests.support import configure

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = 60, 3600, 86_400


class Short(AnyCode):
    """A project's own times."""

    app_session_idle = timedelta(hours=1)
    app_session_lifetime = timedelta(hours=3)


@pytest.fixture
def app(clock: Clock, user: Any) -> AppClient:
    """An app that has logged in."""
    return logged_in(AppClient(), sent_code)


def copy_of(app: AppClient) -> AppClient:
    """Return an app with the same token, which is not replaced in the other one."""
    return AppClient(token=app.token)


def status(app: AppClient) -> int:
    """Return the status of a look at the session."""
    return int(app.get("session/").status_code)


def test_idle_end(app: AppClient, clock: Clock) -> None:
    """Each request prolongs it."""
    for _ in range(3):
        clock.shift(13 * DAY)
        assert status(app) == 200
    clock.shift(14 * DAY + 1)
    assert status(app) == 401


def test_absolute_end(app: AppClient, clock: Clock) -> None:
    """However often it is used."""
    for _ in range(8):
        clock.shift(11 * DAY)
        assert status(app) == 200
    clock.shift(2 * DAY + 1)
    assert status(app) == 401


def test_step_up_is_a_new_beginning(app: AppClient, clock: Clock) -> None:
    """The lifetime is counted from the last time that a code was shown."""
    for _ in range(8):
        clock.shift(11 * DAY)
        assert status(app) == 200
    app.ask()
    assert app.post("step-up/", otp=sent_code()).status_code == 200
    clock.shift(10 * DAY)
    assert status(app) == 200


def test_times_of_the_policy(clock: Clock, user: Any, settings: Any) -> None:
    """A policy of the project's own."""
    configure(settings, OTP_POLICY_CLASS=f"{__name__}.Short")
    app, idle = (logged_in(AppClient(), sent_code) for _ in range(2))
    for _ in range(3):
        clock.shift(59 * MINUTE)
        assert status(app) == 200
    assert status(idle) == 401
    clock.shift(4 * MINUTE)
    assert status(app) == 401


def test_shorter_times_count_at_once(app: AppClient, clock: Clock, settings: Any) -> None:
    """Also for sessions that began under another policy."""
    clock.shift(2 * HOUR)
    configure(settings, OTP_POLICY_CLASS=f"{__name__}.Short")
    assert status(app) == 401


def test_most_requests_write_nothing(app: AppClient, clock: Clock) -> None:
    """The time of the last request is saved at most once an hour."""

    def writes() -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            assert status(app) == 200
        table = "django_session"
        return [each["sql"] for each in queries if each["sql"].startswith(f'UPDATE "{table}"')]

    if connection.vendor == "mysql":
        pytest.skip("it quotes names in another way")
    clock.shift(HOUR - 1)
    assert writes() == []
    clock.shift(1)
    assert len(writes()) == 1
    assert writes() == []


def test_rotation(app: AppClient, user: Any) -> None:
    """The former token ends at once, and the user stays."""
    former = copy_of(app)
    rotated = app.post("session/token/")
    assert rotated.json()["rotated"] is True
    assert app.token == rotated.json()["session_token"] != former.token
    assert app.get("session/").json()["user"]["id"] == str(user.pk)
    assert status(former) == 401
    assert len(app.get("sessions/").json()["sessions"]) == 1


def test_rotation_does_not_prolong(app: AppClient, clock: Clock) -> None:
    """The session ends when it would have ended."""
    for _ in range(8):
        clock.shift(11 * DAY)
        assert app.post("session/token/").status_code == 200
    clock.shift(2 * DAY + 1)
    assert status(app) == 401


def test_rotation_of_a_browser(user: Any) -> None:
    """Its session gets a new key, and the former cookie ends."""
    browser = logged_in(BrowserClient(), sent_code)
    former = BrowserClient()
    former.client.cookies["sessionid"] = browser.client.cookies["sessionid"].value
    assert former.get("session/").status_code == 200
    assert "session_token" not in browser.post("session/token/").json()
    assert former.get("session/").status_code == 401
    assert browser.get("session/").status_code == 200


@pytest.mark.requirement("R53")
def test_step_up_replaces_the_token(app: AppClient) -> None:
    """As after each accepted step."""
    former = copy_of(app)
    app.ask()
    app.post("step-up/", otp=sent_code())
    assert app.token != former.token
    assert status(former) == 401
    assert status(app) == 200


@pytest.mark.requirement("R22", "R23")
def test_flow_ends(clock: Clock, user: Any) -> None:
    """Later than the code, so that the app hears that the code was wrong, and then begins again."""
    app = AppClient()
    app.ask()
    clock.shift(301)
    assert app.enter(sent_code()).json()["code"] == "invalid_code"
    clock.shift(flows.SECONDS - 300)
    for response in (app.ask(), app.enter(sent_code())):
        assert (response.status_code, response.json()["code"]) == (401, "flow_ended")
    assert len(outbox) == 1
    app.flow = ""
    logged_in(app, sent_code)


def test_each_answer_prolongs_the_flow(clock: Clock, user: Any) -> None:
    """A user who waits for the message and asks again has the time once more."""
    app = AppClient()
    for _ in range(3):
        assert app.ask().status_code == 202
        clock.shift(flows.SECONDS - 60)
    app.ask()
    assert app.enter(sent_code()).status_code == 200


@pytest.mark.parametrize("text", ["x", "x" * 4096, "a:b:c", "\u00fc", "\x00", "eyJ9:1tX:Zm9v"])
def test_no_flow(user: Any, text: str) -> None:
    """A text that this site has not signed."""
    app = AppClient(flow=text)
    assert app.ask().json()["code"] == "flow_ended"
    assert app.enter("123456").json()["code"] == "flow_ended"
    assert not outbox


def test_flow_with_another_secret_key(user: Any, settings: Any) -> None:
    """It is signed with the key of the site."""
    app = AppClient()
    app.ask()
    settings.SECRET_KEY = "another one, as long as the first: 0f9J2kLq8sWc3vXz7bNm5"
    assert app.ask().json()["code"] == "flow_ended"
