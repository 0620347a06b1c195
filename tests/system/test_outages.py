"""What logging in rests on goes away, really: nobody gets in, it is said, and all is well after."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import redis
import time_machine
from django.contrib.sessions.models import Session
from django.db import connection as database
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from services.redis import RedisServer
from swap_user.otp import LoginUnavailable, send_code
from swap_user.otp.authenticators.recovery_codes import generate_recovery_codes
from swap_user.otp.crypto import hotp
from swap_user.otp.store import connection
from swap_user.testing import outbox, wait_for_deliveries
from tests.support import CACHE_BACKENDS, NOW, aenter, ask, enter, give, totp, username, visitor

pytestmark = pytest.mark.django_db(transaction=True)

LOGIN, CHECK, RESEND = "/admin/login/", "/admin/check-otp/", "/admin/resend-otp/"
METHODS = "/admin/sign-in-methods/"
WORDS = "Logging in is not possible right now. Please try again in a minute."


def begin(client: Client) -> str:
    """Take the first step on the pages, and return the code that was sent."""
    before = len(outbox)
    assert client.post(LOGIN, {"username": username()}).status_code == 302
    assert len(outbox) == before + 1
    return outbox[-1].otp


def finish(client: Client, otp: str) -> Any:
    """Take the second."""
    return client.post(CHECK, {"otp": otp})


def logged_in(client: Client) -> bool:
    """Say whether the index can be seen."""
    return client.get("/admin/").status_code == 200


def assert_unavailable(response: Any) -> None:
    """A page with words, status 503 and a word to machines when to come back; kept nowhere."""
    assert response.status_code == 503
    assert WORDS in " ".join(unescape(response.content.decode()).split())
    assert int(response["Retry-After"]) > 0
    assert "no-store" in response["Cache-Control"]


# --- Redis --------------------------------------------------------------------------------------


def _admin(server: RedisServer, *command: str) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.execute_command(*command)


def _replica(server: RedisServer, stale: str) -> None:
    _admin(server, "CONFIG", "SET", "replica-serve-stale-data", stale)
    _admin(server, "REPLICAOF", "127.0.0.1", "1")


Break = tuple[Callable[[RedisServer], Any], Callable[[RedisServer], Any]]

BREAKS: dict[str, Break] = {
    "killed": (RedisServer.kill, RedisServer.restart),
    "hanging": (RedisServer.pause, RedisServer.resume),
    "a read-only replica": (
        lambda server: _replica(server, "yes"),
        lambda server: _admin(server, "REPLICAOF", "NO", "ONE"),
    ),
    "a replica without its master": (
        lambda server: _replica(server, "no"),
        lambda server: _admin(server, "REPLICAOF", "NO", "ONE"),
    ),
    "out of memory": (
        lambda server: _admin(server, "CONFIG", "SET", "maxmemory", "1"),
        lambda server: _admin(server, "CONFIG", "SET", "maxmemory", "0"),
    ),
    "too few replicas": (
        lambda server: _admin(server, "CONFIG", "SET", "min-replicas-to-write", "1"),
        lambda server: _admin(server, "CONFIG", "SET", "min-replicas-to-write", "0"),
    ),
}


@pytest.fixture(params=BREAKS)
def outage(request) -> Break:
    """How Redis is broken, and how it is mended."""
    return BREAKS[request.param]


@pytest.fixture(params=CACHE_BACKENDS.values(), ids=CACHE_BACKENDS)
def server(request, redis_server, settings, monkeypatch) -> RedisServer:
    """A server of the test's own, behind both cache backends, and little patience."""
    monkeypatch.setattr(connection, "SOCKET_TIMEOUT", 0.2)
    settings.CACHES = {"default": {"BACKEND": request.param, "LOCATION": redis_server.url}}
    return redis_server


@pytest.mark.requirement("R10")
def test_redis_is_away(staff, server, outage, door, caplog):
    """No code counts, none is sent; all of them count once it is back."""
    give(staff)
    request, away = visitor(), visitor()
    sent, recovery_code = ask(request), generate_recovery_codes(staff)[0]
    outage[0](server)
    for otp in (sent, totp(time.time()), "123456"):
        with pytest.raises(LoginUnavailable):
            door(request, otp)
    for name in (username(), username(99)):
        with pytest.raises(LoginUnavailable):
            send_code(away, name)
    # The database alone sees to it that one counts once: it needs a Redis that can be read.
    with contextlib.suppress(LoginUnavailable):
        assert door(None, recovery_code) == staff
        assert door(None, recovery_code) is None
    lines = [each for each in caplog.records if each.name == "swap_user.security"]
    assert {each.server for each in lines if each.event == "login unavailable"} == {"redis"}
    assert sent not in caplog.text
    assert recovery_code not in caplog.text
    outage[1](server)
    _wait_for(server)
    assert door(request, "000000") is None
    assert door(request, sent) == staff
    assert door(request, sent) is None
    door(None, recovery_code)
    assert door(None, recovery_code) is None


def _wait_for(server: RedisServer) -> None:
    """Wait until it takes writes, from a client of its own."""
    deadline = time.monotonic() + 10
    with redis.Redis.from_url(server.url) as client:
        while True:
            with contextlib.suppress(redis.RedisError):
                client.set("there", 1)
                return
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_redis_is_away_from_the_pages(staff, server, outage):
    """Each step says so; what was typed counts later, in the same browser."""
    client, other = Client(), Client()
    otp = begin(client)
    outage[0](server)
    assert_unavailable(finish(client, otp))
    assert_unavailable(other.post(LOGIN, {"username": username()}))
    assert_unavailable(other.post(LOGIN, {"username": username(99)}))
    assert other.get(LOGIN).status_code == 200
    assert not logged_in(client)
    outage[1](server)
    _wait_for(server)
    assert finish(client, otp).status_code == 302
    assert logged_in(client)


def test_redis_is_restarted_between_two_steps(staff, server):
    """Nobody notices."""
    client = Client()
    otp = begin(client)
    server.kill()
    server.restart()
    assert finish(client, otp).status_code == 302
    assert logged_in(client)


def test_redis_forgets_its_scripts(staff, server):
    """Neither."""
    client = Client()
    for _ in range(2):
        _admin(server, "SCRIPT", "FLUSH")
        otp = begin(client)
        _admin(server, "SCRIPT", "FLUSH")
        assert finish(client, otp).status_code == 302
        assert logged_in(client)
        client.logout()


@pytest.mark.parametrize("engine", ["cache", "cached_db"])
def test_sessions_are_in_the_redis_that_is_away(staff, server, settings, engine):
    """Nobody meets a bare error, and nobody is in."""
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    client, new = Client(raise_request_exception=False), Client(raise_request_exception=False)
    otp = begin(client)
    server.kill()
    answers = [finish(client, otp), client.get(LOGIN), client.get(CHECK), client.post(RESEND)]
    answers += [new.get(LOGIN), new.get(CHECK)]
    assert {each.status_code for each in answers} <= {200, 302, 503}
    assert_unavailable(new.post(LOGIN, {"username": username()}))
    assert not logged_in(client)
    server.restart()
    assert finish(new, begin(new)).status_code == 302
    assert logged_in(new)


def test_sign_in_methods_while_redis_hangs(staff, server):
    """They are in the database: the pages are there."""
    client = Client()
    assert finish(client, begin(client)).status_code == 302
    server.pause()
    assert client.get(METHODS).status_code == 200


# --- The database -------------------------------------------------------------------------------


class SQLiteFile:
    """The test database: its file can't be opened, or another process holds the lock."""

    def __init__(self) -> None:
        self.path = Path(database.settings_dict["NAME"])
        self.aside = self.path.with_name(f"{self.path.name}.aside")

    def take_away(self) -> None:
        """Put a folder in its place: SQLite would make a new file."""
        database.close()
        self.path.rename(self.aside)
        self.path.mkdir()

    def bring_back(self) -> None:
        """As it was."""
        if self.aside.exists():
            self.path.rmdir()
            self.aside.rename(self.path)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Let somebody else be writing, for longer than anybody waits."""
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            database.close()
            with pytest.MonkeyPatch.context() as patch:
                patch.setitem(database.settings_dict["OPTIONS"], "timeout", 0.05)
                yield
            other.execute("ROLLBACK")
        database.close()


class PostgresConnections:
    """
    PostgreSQL cuts all connections of this database and takes no new ones.

    The server is that of the whole run: other workers go on using it meanwhile.
    """

    def take_away(self) -> None:
        """End every connection, this one's included."""
        self._allow(False)

    def bring_back(self) -> None:
        """As it was."""
        self._allow(True)

    def _allow(self, allowed: bool) -> None:
        import psycopg
        from psycopg import sql

        settings = database.settings_dict
        name = settings["NAME"]
        with psycopg.connect(
            host=settings["HOST"], user="postgres", dbname="postgres", autocommit=True
        ) as admin:
            command = sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}")
            admin.execute(command.format(sql.Identifier(name), sql.Literal(allowed)))
            if not allowed:
                admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                    [name],
                )


KINDS: dict[str, Any] = {"sqlite": SQLiteFile, "postgresql": PostgresConnections}


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


def test_the_database_is_away(staff, server_of_rows, door, caplog):
    """One exception for everything, a line that says which server, and in again after."""
    give(staff)
    request = visitor()
    otp, recovery_code = ask(request), generate_recovery_codes(staff)[0]
    server_of_rows.take_away()
    for offered in (otp, recovery_code, totp(time.time()), "123456"):
        with pytest.raises(LoginUnavailable):
            door(request, offered)
    (line, *_) = [each for each in caplog.records if each.name == "swap_user.security"]
    assert (line.event, line.server, line.error) == (
        "login unavailable",
        "database",
        "OperationalError",
    )
    assert otp not in caplog.text
    assert recovery_code not in caplog.text
    server_of_rows.bring_back()
    assert door(request, otp) == staff
    assert door(request, otp) is None


@pytest.mark.parametrize("dispatcher", ["Inline", "Thread"])
def test_the_database_is_away_from_the_pages(
    staff, server_of_rows, settings, dispatcher, client, caplog
):
    """Neither the session nor the user can be loaded, and no session can be begun."""
    browser, new = Client(), Client()
    assert finish(client, begin(client)).status_code == 302
    otp = begin(browser)
    path = f"swap_user.otp.dispatchers.{dispatcher}Dispatcher"
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_DISPATCHER": path}
    server_of_rows.take_away()
    for _ in range(2):
        assert_unavailable(finish(browser, otp))
        assert_unavailable(browser.get(LOGIN))
        assert_unavailable(browser.get(CHECK))
        assert_unavailable(browser.post(RESEND))
        assert_unavailable(browser.post(LOGIN, {"username": username()}))
        assert_unavailable(client.get(METHODS))
        assert_unavailable(client.get(f"{METHODS}add/"))
        assert_unavailable(client.get(LOGIN))
        answer = new.post(LOGIN, {"username": username()})
        assert_unavailable(answer)
        assert not answer.cookies.get("sessionid")
    assert wait_for_deliveries()
    server_of_rows.bring_back()
    assert finish(browser, otp).status_code == 302
    assert logged_in(browser)
    assert logged_in(client)


def test_the_page_needs_nothing(staff, server_of_rows, client):
    """No theme, no script, no style that a strict policy forbids; a way back after a GET only."""
    begin(client)
    server_of_rows.take_away()
    asked, sent = client.get(f"{CHECK}?next=/admin/"), finish(client, "123456")
    for response in (asked, sent):
        page = response.content.decode()
        assert "<script" not in page
        assert not re.search(r"<style|style=|\son\w+=", page)
        assert "123456" not in page
    assert f'href="{CHECK}?next=/admin/"' in asked.content.decode()
    assert "<a " not in sent.content.decode()


def test_all_requests_in_transactions(staff, server_of_rows, client, settings):
    """With ATOMIC_REQUESTS a request would meet the outage before it met these pages."""
    otp = begin(client)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", True)
        server_of_rows.take_away()
        assert_unavailable(client.get(LOGIN))
        assert_unavailable(finish(client, otp))
        server_of_rows.bring_back()
        assert finish(client, otp).status_code == 302
    assert logged_in(client)


def test_the_database_takes_no_writes(staff, server_of_rows):
    """A right code is recorded nowhere, so it lets nobody in; the next one does."""
    if database.vendor != "sqlite":
        pytest.skip("its lock is the whole file")
    client, request = Client(), visitor()
    otp, page_otp = ask(request), begin(client)
    with server_of_rows.locked():
        with pytest.raises(LoginUnavailable):
            enter(request, otp)
        assert_unavailable(finish(client, page_otp))
    assert not logged_in(client)
    # What Redis has marked as used stays used: refused, and the visitor asks for another one.
    assert enter(request, otp) is None
    assert enter(request, ask(request)) == staff
    assert finish(client, page_otp).status_code == 200
    other = Client()
    assert finish(other, begin(other)).status_code == 302


def test_a_missing_table_is_a_mistake_and_no_outage(staff, client):
    """A project that has not migrated sees the error, not a page that says to wait."""
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE django_session RENAME TO aside")
    try:
        with pytest.raises(Exception, match="django_session"):
            client.post(LOGIN, {"username": username()})
    finally:
        with database.cursor() as cursor:
            cursor.execute("ALTER TABLE aside RENAME TO django_session")


def test_a_session_is_saved_once(staff, client):
    """That it is saved where an outage can be told costs no second write."""
    begin(client)
    with CaptureQueriesContext(database) as queries:
        assert client.post(CHECK, {"otp": "abc"}).status_code == 200
        assert client.post(LOGIN, {"username": username(2)}).status_code == 302
    writes = [
        query["sql"]
        for query in queries
        if "django_session" in query["sql"] and not query["sql"].startswith("SELECT")
    ]
    assert len(writes) == 1, writes
    assert Session.objects.count() == 1


# --- Keys and clocks ----------------------------------------------------------------------------


def test_the_key_is_missing(staff, settings, client, caplog):
    """A code that can't be checked is a wrong one, and the log says why; the key helps again."""
    give(staff)
    secret_key = settings.SECRET_KEY
    with time_machine.travel(NOW, tick=False):
        settings.SECRET_KEY = "another key, and the former one is in no setting: 7Hq!pW"
        for door in (enter, aenter):
            assert door(None, totp(NOW)) is None
        begin(client)
        wrong, unreadable = finish(client, "000000"), finish(client, totp(NOW))
        assert wrong.status_code == unreadable.status_code == 200
        assert not logged_in(client)
        events = {each.event for each in caplog.records if each.name == "swap_user.security"}
        assert "secret unreadable" in events
        assert totp(NOW) not in caplog.text
        settings.SECRET_KEY = secret_key
        assert enter(None, totp(NOW)) == staff


@pytest.mark.requirement("R7")
def test_the_clock_is_set_back(staff, door):
    """Used codes stay used, and so do those before them."""
    give(staff)
    give(staff, "hotp", secret="A" * 32)
    request = visitor()
    with time_machine.travel(NOW, tick=False):
        sent = ask(request)
        assert door(request, sent) == staff
        assert door(None, totp(NOW)) == staff
        assert door(None, hotp.code_at("A" * 32, 3)) == staff
    for back in (30, 3600, 86_400 * 365):
        with time_machine.travel(NOW - back, tick=False):
            assert door(request, sent) is None
            assert door(None, totp(NOW)) is None
            assert door(None, totp(NOW - back)) is None
            assert door(None, hotp.code_at("A" * 32, 3)) is None
            # Their owner is not shut out: a new sent code counts.
            assert door(request, ask(request)) == staff


def test_a_clock_that_is_set_back_lengthens_no_life(staff, settings, door):
    """Redis measures the life of a sent code too, by a clock of its own."""
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_TIMEOUT": 1}
    request = visitor()
    with time_machine.travel(NOW, tick=False):
        code = ask(request)
    time.sleep(1.2)
    for back in (0, 1, 60, 3600):
        with time_machine.travel(NOW - back, tick=False):
            assert door(request, code) is None
