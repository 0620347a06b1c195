"""Redis, the database or the cache of sessions is away: 503, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection as database
from django.db import connections

from swap_user.otp.authenticators.recovery_codes import generate_recovery_codes
from swap_user.testing import enroll_authenticator, outbox
from tests.api.clients import AppClient, BrowserClient, logged_in
from tests.api.conftest import sent_code
from tests.otp.pages.conftest import redis_away  # noqa: F401 - a fixture
from tests.otp.pages.login.helpers import NOBODY
from tests.support import username
from tests.system.outages.databases import KINDS

pytestmark = pytest.mark.django_db(transaction=True)

SESSIONS = "sessions"


def assert_unavailable(response: Any) -> None:
    """A problem that tells when to come back, and logs no client out."""
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert int(response["Retry-After"]) > 0
    assert "WWW-Authenticate" not in response
    assert not {"session_token", "flow"} & response.json().keys()
    assert not response.cookies.get("sessionid")


@pytest.fixture
def server_of_rows() -> Iterator[Any]:
    """The database, to be taken away."""
    if database.vendor not in KINDS:
        pytest.skip(f"not for {database.vendor}")
    kind = KINDS[database.vendor]()
    try:
        yield kind
    finally:
        kind.bring_back()
        database.close()


@pytest.fixture
def back(settings: Any) -> Callable[[], None]:
    """Call it, and Redis is back."""
    caches = settings.CACHES

    def bring_back() -> None:
        settings.CACHES = caches

    return bring_back


# --- Redis ----------------------------------------------------------------------------------------


@pytest.mark.requirement("R10")
def test_redis_away_when_a_code_is_asked_for(
    api: Any,
    user: Any,
    back: Any,
    redis_away: Callable[[], None],  # noqa: F811
) -> None:
    """For known and unknown names. Afterwards no wait has begun."""
    redis_away()
    for number in (1, NOBODY):
        assert_unavailable(api.ask(username(number)))
    assert not outbox
    back()
    logged_in(api, sent_code)


@pytest.mark.requirement("R10")
def test_redis_away_when_a_code_is_entered(
    api: Any,
    user: Any,
    back: Any,
    redis_away: Callable[[], None],  # noqa: F811
) -> None:
    """The flow and the code count afterwards."""
    api.ask()
    codes = [sent_code(), generate_recovery_codes(user)[0], "123456"]
    redis_away()
    for code in codes:
        assert_unavailable(api.enter(code))
    back()
    assert api.enter(codes[0]).status_code == 200


def test_redis_away_after_the_login(
    member: Any,
    user: Any,
    back: Any,
    redis_away: Callable[[], None],  # noqa: F811
) -> None:
    """Sessions are in the database: they go on, and codes are not checked."""
    app = enroll_authenticator(user)
    code = app.now()
    token = getattr(member, "token", "")
    redis_away()
    assert member.get("session/").status_code == 200
    assert_unavailable(member.ask())
    assert_unavailable(member.post("step-up/", otp=code))
    assert getattr(member, "token", "") == token
    back()
    assert member.post("step-up/", otp=code).status_code == 200


# --- The cache of sessions ------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["cache", "cached_db"])
@pytest.mark.parametrize("client", [BrowserClient, AppClient])
def test_cache_of_sessions_is_away(
    user: Any, settings: Any, tmp_path: Any, engine: str, client: Any
) -> None:
    """It can't be said whether a client is logged in; afterwards it is."""
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    settings.SESSION_CACHE_ALIAS = SESSIONS
    good = {**settings.CACHES, SESSIONS: {**settings.CACHES["default"], "KEY_PREFIX": "s"}}
    settings.CACHES = good
    member = logged_in(client(), sent_code)
    away = {**good[SESSIONS], "LOCATION": f"unix://{tmp_path}/no-server"}
    settings.CACHES = {**good, SESSIONS: away}
    for response in (member.get("session/"), member.get("sessions/"), member.delete("sessions/")):
        assert_unavailable(response)
    settings.CACHES = good
    assert member.get("session/").status_code == 200
    assert member.post("session/token/").status_code == 200


def test_login_while_the_cache_of_sessions_is_away(user: Any, settings: Any, tmp_path: Any) -> None:
    """An app gets no token that is stored nowhere."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    settings.SESSION_CACHE_ALIAS = SESSIONS
    away = {**settings.CACHES["default"], "LOCATION": f"unix://{tmp_path}/no-server"}
    settings.CACHES = {**settings.CACHES, SESSIONS: away}
    app = AppClient()
    assert app.ask().status_code == 202
    assert_unavailable(app.enter(sent_code()))
    assert not app.token


# --- The database ---------------------------------------------------------------------------------


def test_database_away(api: Any, user: Any, server_of_rows: Any) -> None:
    """Neither a code nor a session can be looked up."""
    api.ask()
    code = sent_code()
    server_of_rows.take_away()
    for _ in range(2):
        assert_unavailable(api.enter(code))
    server_of_rows.bring_back()
    assert api.enter(code).status_code == 200
    assert api.get("session/").status_code == 200


def test_database_away_after_the_login(member: Any, server_of_rows: Any) -> None:
    """No client is logged out by it."""
    server_of_rows.take_away()
    for method, path in (("GET", "session/"), ("GET", "sessions/"), ("DELETE", "session/")):
        assert_unavailable(member.send(method, path))
    server_of_rows.bring_back()
    assert member.get("session/").status_code == 200


def test_database_takes_no_writes(api: Any, user: Any, server_of_rows: Any) -> None:
    """A right code can't be recorded as used, so it does not log in; the next one does."""
    if database.vendor != "sqlite":
        pytest.skip("its lock is the whole file")
    api.ask()
    code = sent_code()
    with server_of_rows.locked():
        assert_unavailable(api.enter(code))
    assert api.get("session/").status_code == 401 if not hasattr(api, "token") else not api.token
    other = type(api)()
    logged_in(other, sent_code)


# --- Transactions ---------------------------------------------------------------------------------


@pytest.mark.requirement("R43")
def test_all_requests_in_transactions(
    user: Any, new_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ATOMIC_REQUESTS: a used code stays used, and a whole life is as without."""
    monkeypatch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", True)
    member = logged_in(new_client(), sent_code)
    code = sent_code()
    again = new_client().start()
    again.ask()
    assert again.enter(code).status_code == 401
    assert member.post("session/token/").status_code == 200
    app = enroll_authenticator(user)
    assert member.post("step-up/", otp=app.now()).status_code == 200
    assert member.post("recovery-codes/").status_code == 201
    assert len(member.get("sessions/").json()["sessions"]) == 1
    assert member.delete("session/").status_code == 204
    assert member.get("session/").status_code == 401


@pytest.mark.requirement("R10")
def test_all_requests_in_transactions_during_an_outage(
    api: Any, user: Any, server_of_rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The view has no transaction around it, which would meet the outage first."""
    monkeypatch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", True)
    api.ask()
    code = sent_code()
    server_of_rows.take_away()
    assert_unavailable(api.enter(code))
    server_of_rows.bring_back()
    assert api.enter(code).status_code == 200
