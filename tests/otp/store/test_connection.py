"""The client for Redis: one a process, with limits where CACHES has none, else as CACHES says."""

from __future__ import annotations

import os
import socket
import threading

import pytest
import redis
from django.core.cache import caches

from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.store import connection, keys, scripts

DJANGO = "django.core.cache.backends.redis.RedisCache"
DJANGO_REDIS = "django_redis.cache.RedisCache"
BACKENDS = [DJANGO, DJANGO_REDIS]

GET = scripts.Script("return redis.call('GET', keys.a)")
SET = scripts.Script("return redis.call('SET', keys.a, '1')")


def get():
    """Run a script that reads, and return what it has read."""
    return GET({"a": keys.redis_key("a")})


@pytest.fixture(params=BACKENDS, ids=["django", "django_redis"])
def backend(request):
    """Both cache backends."""
    return request.param


@pytest.fixture
def server(redis_server, settings, backend):
    """A server of the test's own behind the cache."""
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": redis_server.url}}
    return redis_server


def options(backend, url="redis://127.0.0.1:1", **options):
    """Return how the connections are made for a cache."""
    from django.test import override_settings

    cache = {"BACKEND": backend, "LOCATION": url, "OPTIONS": options}
    with override_settings(CACHES={"default": cache}):
        return connection.client("default").connection_pool.connection_kwargs


def test_limits_where_the_project_has_none(backend):
    """Answers, connecting, and one more try for a broken connection."""
    found = options(backend)
    assert found["socket_timeout"] == found["socket_connect_timeout"] == 3
    assert found["retry"]._retries == 1


def test_limits_of_the_project_stand(backend):
    """In the address as well as in the options, also where the project wants none."""
    assert options(backend, "redis://127.0.0.1:1?socket_timeout=9")["socket_timeout"] == 9
    mine = {"socket_timeout": 9, "socket_connect_timeout": None}
    if backend == DJANGO_REDIS:
        mine = {"CONNECTION_POOL_KWARGS": mine}
        assert options(backend, SOCKET_TIMEOUT=8)["socket_timeout"] == 8
    found = options(backend, **mine)
    assert (found["socket_timeout"], found["socket_connect_timeout"]) == (9, None)


class OwnPool(redis.ConnectionPool):
    """A pool of the project's own."""


def test_a_pool_of_the_projects_own_is_left_alone(backend, settings, shared_redis):
    """Its connections are used as they are: who writes a pool knows how long to wait."""
    name = "pool_class" if backend == DJANGO else "CONNECTION_POOL_CLASS"
    path = f"{__name__}.OwnPool"
    url = f"{shared_redis.url}?db=1"
    cache = {"BACKEND": backend, "LOCATION": url, "OPTIONS": {name: path}}
    settings.CACHES = {"default": cache}
    client = connection.client("default")
    assert type(client.connection_pool) is OwnPool
    assert "socket_connect_timeout" not in client.connection_pool.connection_kwargs
    assert connection.client("default") is client
    assert get() is None


def test_sentinel_is_left_alone(settings):
    """django-redis' own way to it."""
    settings.CACHES = {
        "default": {
            "BACKEND": DJANGO_REDIS,
            "LOCATION": "redis://main/0",
            "OPTIONS": {
                "CLIENT_CLASS": "django_redis.client.SentinelClient",
                "CONNECTION_FACTORY": "django_redis.pool.SentinelConnectionFactory",
                "SENTINELS": [("127.0.0.1", 1)],
            },
        }
    }
    pool = connection.client("default").connection_pool
    assert isinstance(pool, redis.sentinel.SentinelConnectionPool)


def test_one_client_a_process(server):
    """All threads share it, and what it is made of survives Django closing its caches."""
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(connection.client("default")))
        for _ in range(5)
    ]
    for thread in threads:
        thread.start()
        thread.join()
    caches.close_all()
    assert {id(each) for each in found} == {id(connection.client("default"))}
    assert get() is None


def test_other_settings_are_another_client(server, settings, shared_redis):
    """Also when they come back."""
    before, own = settings.CACHES, connection.client("default")
    settings.CACHES = {"default": {"BACKEND": DJANGO, "LOCATION": shared_redis.url}}
    assert connection.client("default") is not own
    settings.CACHES = before
    server.kill()
    with pytest.raises(LoginUnavailable):
        get()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_opens_connections_of_its_own(server):
    """Two processes on one socket would read each other's answers."""
    client = connection.client("default")
    mine = client.client_id()
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        os.write(write, str(connection.client("default").client_id()).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert int(os.read(read, 99)) != mine
    assert client.client_id() == mine
    os.close(read)
    os.close(write)


def test_a_connection_that_broke_while_idle_is_opened_again(server):
    """The server was restarted, and no request meets an error."""
    assert get() is None
    server.kill()
    server.restart()
    assert get() is None


@pytest.mark.parametrize("idle", [False, True], ids=["new connection", "open connection"])
def test_a_server_that_hangs_is_waited_for_once(server, monkeypatch, idle):
    """Not once more for each retry that redis-py may have in mind."""
    monkeypatch.setattr(connection, "SOCKET_TIMEOUT", 0.2)
    if idle:
        assert get() is None
    waits = []
    owner = redis.connection.AbstractConnection
    original = owner.read_response

    def read_response(self, *args, **kwargs):
        try:
            return original(self, *args, **kwargs)
        except redis.TimeoutError:
            waits.append(self.socket_timeout)
            raise

    monkeypatch.setattr(owner, "read_response", read_response)
    server.pause()
    with pytest.raises(LoginUnavailable):
        get()
    assert waits == [0.2]
    server.resume()
    assert get() is None


def test_no_more_open_connections_than_are_used_at_once(server):
    """Nothing is left open by a login after another, in threads or not."""
    for _ in range(10):
        thread = threading.Thread(target=get)
        thread.start()
        thread.join()
    with redis.Redis.from_url(server.url) as admin:
        assert len(admin.client_list()) == 2


REFUSALS = [
    "LOADING Redis is loading the dataset in memory",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "CLUSTERDOWN The cluster is down",
    "READONLY You can't write against a read only replica.",
    "OOM command not allowed when used memory > 'maxmemory'.",
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist",
    "NOREPLICAS Not enough good replicas to write.",
    "TRYAGAIN Multiple keys request during rehashing of slot",
    "BUSY Redis is busy running a script.",
    "NOAUTH Authentication required.",
    "NOPERM this user has no permissions to run the 'evalsha' command",
    "ERR max number of clients reached",
]


@pytest.mark.parametrize(
    "refusal", [*REFUSALS, ""], ids=lambda text: text.split(" ")[0] or "hangup"
)
def test_whatever_a_server_refuses_with_is_an_outage(settings, backend, refusal, caplog):
    """A control of the client: here the words are a server's own, and the server is not."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                with peer:
                    while refusal and (said := peer.recv(9999)):
                        peer.sendall(f"-{refusal}\r\n".encode() * said.count(b"*"))

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        url = f"redis://127.0.0.1:{listener.getsockname()[1]}"
        settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": url}}
        with pytest.raises(LoginUnavailable):
            get()
        connection.client("default").connection_pool.disconnect()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    (line,) = [each for each in caplog.records if each.name == "swap_user.security"]
    assert (line.event, line.server) == ("login unavailable", "redis")


def test_after_a_failover_the_server_is_looked_up_anew(server):
    """A replica that has the old master's connections gives them up: its name may have moved."""
    named = {"a": keys.redis_key("a")}
    SET(named)
    with redis.Redis.from_url(server.url) as admin:
        admin.replicaof("127.0.0.1", 1)
        with pytest.raises(LoginUnavailable):
            SET(named)
        assert len(admin.client_list()) == 1
        admin.replicaof("NO", "ONE")
    SET(named)
