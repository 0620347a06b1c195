"""Redis really goes away: no login is possible, and all is well afterwards."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis
from django.test import Client

from services.redis import RedisServer
from swap_user.otp import LoginUnavailable, send_code
from swap_user.otp.authenticators.recovery_codes import generate_recovery_codes
from swap_user.otp.store import connection
from tests.support import CACHE_BACKENDS, ask, give, totp, username, visitor
from tests.system.outages.helpers import (
    CHECK,
    LOGIN,
    METHODS,
    RESEND,
    assert_unavailable,
    begin,
    finish,
    logged_in,
)

pytestmark = pytest.mark.django_db(transaction=True)


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


def _wait_at_most(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SOCKET_TIMEOUT", seconds)
    connection._clients.clear()


@pytest.fixture(params=BREAKS)
def outage(request, monkeypatch) -> Break:
    """How Redis is broken, and how it is mended. A server that hangs is not waited for long."""
    break_it, mend_it = BREAKS[request.param]
    usual = connection.SOCKET_TIMEOUT

    def begin(server: RedisServer) -> None:
        break_it(server)
        _wait_at_most(0.2, monkeypatch)

    def end(server: RedisServer) -> None:
        mend_it(server)
        # A busy machine may need longer for an answer than the test waits for none.
        _wait_at_most(usual, monkeypatch)

    return begin, end


@pytest.fixture(params=CACHE_BACKENDS.values(), ids=CACHE_BACKENDS)
def server(request, redis_server, settings) -> RedisServer:
    """A server of the test's own, behind both cache backends."""
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
    """The visitor does not notice."""
    client = Client()
    otp = begin(client)
    server.kill()
    server.restart()
    assert finish(client, otp).status_code == 302
    assert logged_in(client)


def test_redis_forgets_its_scripts(staff, server):
    """The visitor does not notice that either."""
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
    """No request ends in a bare error, and no login is possible."""
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
