"""How sessions end: by their owner, by a change of the account, and in time."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.test import Client

from swap_user.models import LoginSession
from swap_user.otp import end_sessions, sessions_of
from swap_user.otp.sessions import records
from swap_user.testing import log_in
from tests.api.clients import AppClient, BrowserClient, logged_in
from tests.api.conftest import sent_code
from tests.clock import Clock
from tests.otp.pages.login.helpers import words
from tests.support import make_user, username

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R52")]

PAGE = "/account/sessions/"
DAY = 86_400


@pytest.fixture
def app(user: Any) -> AppClient:
    """An app that has logged in."""
    return logged_in(AppClient(), sent_code)


@pytest.fixture
def page(user: Any) -> Client:
    """A browser of the same user, on the pages."""
    client = Client()
    log_in(client, user)
    return client


def is_in(client: Any) -> bool:
    """Return whether a client is logged in."""
    return bool(client.get("session/").status_code == 200)


def ids(client: Any) -> dict[bool, list[str]]:
    """Return the ids of a user's sessions: of this client and of others."""
    found: dict[bool, list[str]] = {True: [], False: []}
    for each in client.get("sessions/").json()["sessions"]:
        found[each["is_current"]].append(each["id"])
    return found


@pytest.mark.parametrize("engine", ["db", "signed_cookies"])
def test_listed_on_the_page(user: Any, settings: Any, engine: str) -> None:
    """An app is one more session there, also where those of browsers can't be listed."""
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    app, page = logged_in(AppClient(), sent_code), Client()
    log_in(page, user)
    shown = page.get(PAGE)
    (button,) = re.findall(r'name="session" value="([^"]*)"', shown.content.decode())
    assert ("can’t be listed" in words(shown)) is (engine == "signed_cookies")
    assert page.post(PAGE, {"session": button}).status_code == 302
    assert not is_in(app)


def test_not_listed_after_the_logout(app: AppClient, page: Client) -> None:
    """An app that has logged out."""
    assert "Log out everywhere else" in words(page.get(PAGE))
    app.delete("session/")
    assert "Log out everywhere else" not in words(page.get(PAGE))


def test_ended_on_the_page(app: AppClient, page: Client, user: Any) -> None:
    """One session, by its button."""
    (row,) = [each for each in sessions_of(user) if each.session_key != page.session.session_key]
    assert page.post(PAGE, {"session": str(row.pk)}).status_code == 302
    assert not is_in(app)


def test_all_others_ended_on_the_page(app: AppClient, page: Client) -> None:
    """All others, by the button below."""
    assert page.post(PAGE, {"others": "1"}).status_code == 302
    assert not is_in(app)
    assert page.get(PAGE).status_code == 200


def test_list(member: Any, new_client: Any) -> None:
    """Each client sees the others, and which one it is."""
    other = logged_in(new_client(), sent_code)
    mine, theirs = ids(member), ids(other)
    assert [len(mine[True]), len(mine[False])] == [1, 1]
    assert theirs == {True: mine[False], False: mine[True]}


def test_end_another_one(member: Any, new_client: Any) -> None:
    """It is out at once. The second time there is no such session."""
    other = logged_in(new_client(), sent_code)
    (other_id,) = ids(member)[False]
    assert member.delete(f"sessions/{other_id}/").status_code == 204
    assert not is_in(other)
    assert is_in(member)
    assert member.delete(f"sessions/{other_id}/").status_code == 404


@pytest.mark.parametrize("waited", [0, 2 * 3600])
def test_end_this_one(clock: Clock, member: Any, waited: int) -> None:
    """As a logout, also when the session would have been saved in this request."""
    (mine,) = ids(member)[True]
    records._seen.clear()
    clock.shift(waited)
    assert member.delete(f"sessions/{mine}/").status_code == 204
    assert not is_in(member)
    assert not LoginSession.objects.exists()


def test_session_of_another_user(member: Any, new_client: Any) -> None:
    """It does not exist for this one."""
    make_user(2)
    other = logged_in(new_client(), sent_code, username(2))
    (other_id,) = ids(other)[True]
    assert member.delete(f"sessions/{other_id}/").status_code == 404
    assert is_in(other)


@pytest.mark.parametrize("name", [uuid.uuid4(), "x", "%00", "%ff", "\u00fc", "1" * 500, "null"])
def test_no_such_session(member: Any, name: object) -> None:
    """An id of none, and texts that are no id."""
    assert member.delete(f"sessions/{name}/").status_code == 404
    assert is_in(member)


def test_end_all_others(member: Any, app: AppClient, page: Client, user: Any) -> None:
    """Of all kinds; the client itself stays in, an app with its new token."""
    ended = member.delete("sessions/")
    assert ended.status_code in {200, 204}
    assert is_in(member)
    assert not is_in(app)
    assert page.get(PAGE).status_code == 302
    assert len(sessions_of(user)) == 1


def test_former_token_after_all_others_have_ended(app: AppClient) -> None:
    """Where the model has a security stamp, the app has got a new token, and the old one ends."""
    former = AppClient(token=app.token)
    ended = app.delete("sessions/")
    assert is_in(app)
    assert (former.token != app.token) is (ended.status_code == 200)
    assert is_in(former) is (former.token == app.token)


def test_end_sessions_from_python(member: Any, user: Any) -> None:
    """As the command reset_otp does."""
    end_sessions(user)
    assert not is_in(member)


@pytest.mark.usefixtures("no_stamp")
def test_end_sessions_without_a_stamp(member: Any, user: Any) -> None:
    """By their records alone."""
    end_sessions(user)
    assert not is_in(member)


def test_security_stamp(member: Any, user: Any) -> None:
    """A new stamp ends each session at its next request, also without its record."""
    if not hasattr(user, "rotate_security_stamp"):
        pytest.skip("the model has none")
    user.rotate_security_stamp()
    assert not is_in(member)


@pytest.mark.user_model("password")
def test_new_password(member: Any, user: Any) -> None:
    """Django's own rule."""
    user.set_password("another horse")
    user.save()
    assert not is_in(member)


def test_deactivated_user(member: Any, user: Any) -> None:
    """At the next request."""
    get_user_model().objects.filter(pk=user.pk).update(is_active=False)
    assert not is_in(member)


def test_deleted_user(member: Any, user: Any) -> None:
    """Together with the records."""
    user.delete()
    assert not is_in(member)
    assert not LoginSession.objects.exists()


def test_session_that_was_ended_does_not_come_back(app: AppClient) -> None:
    """Its row of the table is there, but its record is not: another server had it in memory."""
    LoginSession.objects.all().delete()
    records._seen.clear()
    assert not is_in(app)
    assert not Session.objects.exists()


@pytest.mark.parametrize("engine", ["db", "cached_db", "signed_cookies"])
def test_clearsessions(clock: Clock, user: Any, settings: Any, engine: str) -> None:
    """Rows that are over are deleted with their records, those of others are not."""
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    over = logged_in(AppClient(), sent_code)
    clock.shift(10 * DAY)
    live = logged_in(AppClient(), sent_code)
    clock.shift(5 * DAY)
    assert Session.objects.count() == 2
    call_command("clearsessions", verbosity=0)
    assert Session.objects.count() == LoginSession.objects.count() == 1
    assert is_in(live)
    assert not is_in(over)


def test_last_seen(clock: Clock, app: AppClient) -> None:
    """The list tells when a session was used."""
    records._seen.clear()
    clock.shift(3600)
    app.get("session/")
    (row,) = LoginSession.objects.all()
    assert (row.last_seen_at - row.created_at).total_seconds() >= 3600


def test_logout_of_one_client_only(member: Any, new_client: Any) -> None:
    """Others stay."""
    other = logged_in(new_client(), sent_code)
    assert member.delete("session/").status_code == 204
    assert not is_in(member)
    assert is_in(other)


def test_logout_without_a_login(user: Any) -> None:
    """Nothing happens."""
    assert BrowserClient().start().delete("session/").status_code == 204
