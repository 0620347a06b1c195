"""Limits are forgotten by the package's own keys; the cache of the project stays as it is."""

import threading

import pytest
from django.core.cache import cache, caches
from django.test import override_settings

from services.redis import RedisServer
from swap_user.models import MessageCount, WrongGuess
from swap_user.otp import limited, send_code
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.store import connection, keys
from swap_user.testing import outbox, reset_limits
from swap_user.testing.limits import fresh_limits
from swap_user.testing.workers import isolate_worker
from tests.support import CACHE_BACKENDS, configure, enter, username, visitor
from tests.testing.clusters import ClusterCache, cluster_of_one

pytestmark = pytest.mark.django_db


def key_first(key, prefix, version):
    """A KEY_FUNCTION of a project."""
    return f"{key}|{prefix}|{version}"


@pytest.fixture(params=CACHE_BACKENDS)
def backend(request, settings):
    """Both backends; returns a function that changes the options of the cache."""

    def change(**options):
        before = settings.CACHES["default"]
        settings.CACHES = {"default": before | {"BACKEND": CACHE_BACKENDS[request.param]} | options}

    change()
    yield change
    caches.close_all()


@pytest.fixture
def _few(settings):
    configure(settings, OTP_LIMITS={"asks_per_address": "2/1h", "guesses_per_address": "2/1h"})


def ask_often(times=3):
    """Ask for codes as one address, and return how many were sent."""
    outbox.clear()
    for _ in range(times):
        send_code(visitor(), username())
    return len(outbox)


def all_keys():
    return {key.decode() for key in connection.client("default").scan_iter()}


@pytest.mark.usefixtures("_few")
def test_limits_are_forgotten(user, backend):
    """Those of addresses in Redis, for requests and for guesses."""
    assert ask_often() == 2
    request = visitor()
    for _ in range(3):
        enter(request, "000000")
    assert limited(request)
    reset_limits()
    assert ask_often() == 2
    request = visitor()
    enter(request, "000000")
    assert not limited(request)


def test_what_the_database_counts_is_forgotten(user, settings):
    """The messages and the wrong guesses of an account."""
    configure(
        settings, OTP_LIMITS={"messages_per_account": "1/1d", "guesses_per_account": "1/365d"}
    )
    for _ in range(2):
        outbox.clear()
        for _ in range(2):
            send_code(None, username())  # a visitor without a network gets no extra message
        assert len(outbox) == 1
        assert enter(visitor(), "000000") is None
        assert WrongGuess.objects.exists()
        assert MessageCount.objects.exists()
        reset_limits()
        assert not MessageCount.objects.exists()
        assert not WrongGuess.objects.exists()


@pytest.mark.parametrize(
    "options",
    [{}, {"KEY_PREFIX": "a*[b]?\\^"}, {"VERSION": 7}, {"KEY_FUNCTION": f"{__name__}.key_first"}],
    ids=["plain", "odd prefix", "version", "key function"],
)
def test_no_other_key_is_deleted(user, backend, options):
    """Of the project, of another version, of another worker; a prefix is no pattern."""
    backend(**options)
    cache.set("mine", "kept")
    cache.set("swap_user", "kept")
    cache.set("swap_users:x", "kept")
    cache.set("swap_user-gw0:{x}:open", "kept")
    cache.set("swap_user:{x}:open", "kept", version=3)
    client = connection.client("default")
    client.set(":1:ab:1:swap_user:{x}", "kept")
    client.set("swap_user:{x}", "kept")
    before = all_keys()
    ask_often(1)
    assert all_keys() > before
    reset_limits()
    assert all_keys() == before
    assert cache.get("mine") == "kept"


def test_many_keys(backend):
    """More than fit into one command."""
    client = connection.client("default")
    client.mset({keys.redis_key(str(number), "open"): "x" for number in range(1750)})
    client.mset({f":1:{number}": "x" for number in range(1750)})
    reset_limits()
    assert client.dbsize() == 1750


def test_a_cluster(settings):
    """Keys of several slots can be deleted, though not by one command."""
    with cluster_of_one() as port:
        settings.CACHES = {
            "default": {
                "BACKEND": f"{ClusterCache.__module__}.{ClusterCache.__qualname__}",
                "LOCATION": f"redis://127.0.0.1:{port}",
            }
        }
        cache.set("mine", "kept")
        client = connection.client("default")
        for number in range(20):
            client.set(keys.redis_key(str(number), "open"), "x")
        reset_limits()
        assert client.keys() == [b":1:mine"]
        caches.close_all()


def test_redis_away(redis_server):
    """The caller is told which server."""
    redis_server.stop()
    with pytest.raises(LoginUnavailable, match="not reset"):
        reset_limits()


@pytest.mark.parametrize("worker", ["gw0", "gw11", ""])
def test_each_worker_has_its_own_keys(user, monkeypatch, worker):
    """Those of other processes are neither counted nor deleted."""
    connection.client("default").set(":1:swap_user-gw1:{x}:open", "kept")
    monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
    reset_limits()
    ask_often(1)
    name = f"swap_user-{worker}" if worker else "swap_user"
    mine = all_keys() - {":1:swap_user-gw1:{x}:open"}
    assert mine
    assert all(key.startswith(f":1:{name}:") for key in mine)
    reset_limits()
    assert all_keys() == {":1:swap_user-gw1:{x}:open"}


def test_workers_of_django(monkeypatch):
    """Its test runner numbers them from 1; the only process has 0."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    for number, name in ((2, "swap_user-2"), (0, "swap_user")):
        monkeypatch.setattr("django.test.runner._worker_id", number)
        isolate_worker()
        assert name == keys.NAMESPACE


@pytest.mark.usefixtures("_few")
def test_fresh_limits(user):
    """What an earlier test or run has counted is forgotten, once."""
    for _ in range(2):
        with fresh_limits():
            assert ask_often() == 2
            assert ask_often() == 0
    assert ask_often() == 0


@pytest.mark.usefixtures("_few")
def test_fresh_limits_of_the_first_test(user, monkeypatch):
    """Keys are deleted when Redis is used, by whichever thread is first."""
    monkeypatch.setattr("swap_user.testing.limits._is_used", False)
    ask_often()
    client, before = connection.client("default"), all_keys()
    with fresh_limits():
        assert {key.decode() for key in client.scan_iter()} == before
        thread = threading.Thread(target=connection.client, args=["default"])
        thread.start()
        thread.join()
        assert client.keys() == []
        assert ask_often() == 2


@pytest.mark.parametrize("is_used", [True, False])
def test_fresh_limits_without_redis(user, redis_server, monkeypatch, is_used):
    """The test sees an outage as it would without them."""
    monkeypatch.setattr("swap_user.testing.limits._is_used", is_used)
    redis_server.stop()
    with fresh_limits(), pytest.raises(LoginUnavailable):
        send_code(None, username())


@pytest.mark.parametrize("is_used", [True, False])
def test_fresh_limits_without_a_redis_cache(monkeypatch, is_used):
    """A project without one, and one without the alias, can run its other tests."""
    monkeypatch.setattr("swap_user.testing.limits._is_used", is_used)
    in_memory = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    for found in ({"default": in_memory}, {"default": in_memory, "other": in_memory}):
        with override_settings(CACHES=found), fresh_limits(), pytest.raises(connection.NotRedis):
            connection.client("default")
    with override_settings(SWAP_USER={"OTP_CACHE": "codes"}), fresh_limits():
        pass


def test_no_command_without_need(monkeypatch, shared_redis: RedisServer):
    """As long as no test uses Redis, the helpers do not either."""
    monkeypatch.setattr("swap_user.testing.limits._is_used", False)
    monkeypatch.setattr(connection, "client", lambda alias: pytest.fail("used Redis"))
    with fresh_limits():
        pass
