"""The adapters of the two cache backends: which client they make, and when they use the cache's."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import pytest
import redis
from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from django_redis.cache import RedisCache as PackageRedisCache
from django_redis.client import DefaultClient
from django_redis.pool import ConnectionFactory

from swap_user.otp.store import connection
from swap_user.otp.store.adapters import (
    DjangoRedisCacheAdapter,
    DjangoRedisPackageAdapter,
    adapter_for,
)

DJANGO = "django.core.cache.backends.redis.RedisCache"
PACKAGE = "django_redis.cache.RedisCache"
NOWHERE = "redis://127.0.0.1:1"


class SubclassOfDjangos(RedisCache):
    """A backend of a project's own."""


class SubclassOfThePackages(PackageRedisCache):
    """Likewise."""


class ShardingClient(RedisCacheClient):
    """Chooses the server itself."""

    def get_client(self, key: Any = None, *, write: bool = False) -> redis.Redis:
        return super().get_client(key, write=write)


class BackendWithClient(RedisCache):
    """Names a client class, as Django's own tests do."""

    def __init__(self, server: Any, params: Any) -> None:
        super().__init__(server, params)
        self._class = ShardingClient


class TaggedClient(RedisCacheClient):
    """Changes nothing about connections."""


class BackendWithHarmlessClient(RedisCache):
    """Names a client class that leaves the connections to Django."""

    def __init__(self, server: Any, params: Any) -> None:
        super().__init__(server, params)
        self._class = TaggedClient


class OwnClient(DefaultClient):
    """Chooses the server itself."""

    def get_client(self, *args: Any, **kwargs: Any) -> redis.Redis:
        return super().get_client(*args, **kwargs)


class OwnConnection(DefaultClient):
    """Makes the connection to a server itself."""

    def connect(self, *args: Any, **kwargs: Any) -> redis.Redis:
        return super().connect(*args, **kwargs)


class BackendWithOtherClient(RedisCache):
    """Makes its client of another class than it says."""

    @property
    def _cache(self) -> RedisCacheClient:
        return TaggedClient(self._servers, **self._options)


class OwnFactory(ConnectionFactory):
    """Makes the connections itself."""


class TaggedRedis(redis.Redis):
    """A client with an argument of its own."""

    def __init__(self, *, tag: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.tag = tag


class OwnPool(redis.ConnectionPool):
    """A pool of the project's own."""


def make(settings: Any, backend: str, location: Any = NOWHERE, **options: Any) -> Any:
    """Return a cache of this backend."""
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": location, "OPTIONS": options}}
    return caches["default"]


def here(name: str) -> str:
    return f"{__name__}.{name}"


@pytest.mark.parametrize(
    ("backend", "adapter"),
    [
        (DJANGO, DjangoRedisCacheAdapter),
        (here("SubclassOfDjangos"), DjangoRedisCacheAdapter),
        (PACKAGE, DjangoRedisPackageAdapter),
        (here("SubclassOfThePackages"), DjangoRedisPackageAdapter),
    ],
)
def test_each_backend_has_its_adapter(settings, backend, adapter):
    """A subclass has that of its base."""
    cache = make(settings, backend)
    assert type(adapter_for(cache)) is adapter
    assert connection.is_redis(cache)


def test_other_caches_have_none(settings):
    """There is nothing to make a client from."""
    cache = make(settings, "django.core.cache.backends.locmem.LocMemCache", "")
    assert isinstance(cache, LocMemCache)
    assert adapter_for(cache) is None
    assert not connection.is_redis(cache)
    assert connection.probe("default", 1) is None
    with pytest.raises(connection.NotRedis, match="LocMemCache"):
        connection.client("default")


@pytest.mark.parametrize(
    ("backend", "options", "custom"),
    [
        (DJANGO, {}, False),
        (DJANGO, {"pool_class": "redis.BlockingConnectionPool"}, False),
        (DJANGO, {"pool_class": here("OwnPool")}, True),
        (here("BackendWithClient"), {}, True),
        (here("BackendWithHarmlessClient"), {}, False),
        (here("BackendWithOtherClient"), {}, True),
        (PACKAGE, {}, False),
        (PACKAGE, {"CLIENT_CLASS": "django_redis.client.HerdClient"}, False),
        (PACKAGE, {"CONNECTION_POOL_CLASS": "redis.BlockingConnectionPool"}, False),
        (PACKAGE, {"CONNECTION_POOL_CLASS": here("OwnPool")}, True),
        (PACKAGE, {"CLIENT_CLASS": here("OwnClient")}, True),
        (PACKAGE, {"CLIENT_CLASS": here("OwnConnection")}, True),
        (PACKAGE, {"CONNECTION_FACTORY": here("OwnFactory")}, True),
    ],
)
def test_a_custom_client_is_the_caches_own(settings, backend, options, custom):
    """It has no limits of ours, and no probe is made of it; any other is new and has them."""
    adapter = adapter_for(make(settings, backend, **options))
    assert adapter is not None
    assert adapter.is_custom is custom
    found = adapter.client(7).connection_pool
    assert (found is adapter.own_client().connection_pool) is custom
    assert (found.connection_kwargs.get("socket_timeout") == 7) is not custom
    assert (adapter.probe(1) is None) is custom


@pytest.mark.parametrize(
    ("backend", "options", "places"),
    [
        (DJANGO, {}, 2**31),
        (DJANGO, {"max_connections": 20}, 20),
        (DJANGO, {"pool_class": "redis.BlockingConnectionPool"}, 50),
        (PACKAGE, {}, 2**31),
        (PACKAGE, {"CONNECTION_POOL_KWARGS": {"max_connections": 20}}, 20),
        (PACKAGE, {"CONNECTION_POOL_CLASS": "redis.BlockingConnectionPool"}, 50),
    ],
)
def test_connections_are_limited_by_the_project_alone(settings, backend, options, places):
    """redis-py 8 has a limit of 100, above which a login would be an outage."""
    adapter = adapter_for(make(settings, backend, **options))
    assert adapter is not None
    assert adapter.client(7).connection_pool.max_connections == places


@pytest.mark.parametrize("backend", [DJANGO, PACKAGE])
@pytest.mark.parametrize("custom", [False, True])
@pytest.mark.parametrize("many", [list, ",".join])
def test_writes_go_to_the_first_of_several_servers(settings, backend, custom, many):
    """The others are replicas."""
    servers = [f"redis://127.0.0.1:{port}" for port in (1, 2, 3)]
    name = "pool_class" if backend == DJANGO else "CONNECTION_POOL_CLASS"
    make(settings, backend, many(servers), **{name: here("OwnPool")} if custom else {})
    for _ in range(9):
        pool = connection.client("default").connection_pool
        assert pool.connection_kwargs["port"] == 1


def test_a_client_of_the_projects_class_gets_its_arguments(settings):
    """Those of django-redis."""
    make(
        settings,
        PACKAGE,
        REDIS_CLIENT_CLASS=here("TaggedRedis"),
        REDIS_CLIENT_KWARGS={"tag": "the project's"},
    )
    client = connection.client("default")
    assert isinstance(client, TaggedRedis)
    assert client.tag == "the project's"


@pytest.mark.parametrize("backend", [DJANGO, PACKAGE])
def test_a_probe_has_its_own_limits_and_connections(settings, backend):
    """Whatever CACHES says, because it may remain unanswered; the client keeps its own."""
    make(settings, backend, f"{NOWHERE}?socket_timeout=9&socket_connect_timeout=9")
    probe, client = connection.probe("default", 0.5), connection.client("default")
    assert probe is not None
    found = probe.connection_pool.connection_kwargs
    assert (found["socket_timeout"], found["socket_connect_timeout"]) == (0.5, 0.5)
    assert probe.connection_pool is not client.connection_pool
    assert client.connection_pool.connection_kwargs["socket_timeout"] == 9


@pytest.mark.parametrize("options", [{}, {"pool_class": here("OwnPool")}])
def test_nothing_is_written_into_djangos_client(settings, options):
    """Its attributes are Django's."""
    cache = make(settings, DJANGO, **options)
    before = set(vars(cache._cache)), set(vars(cache))
    connection.client("default")
    assert (set(vars(cache._cache)), set(vars(cache))) == before


def test_a_custom_client_of_django_is_one_for_each_cache(settings):
    """Each thread has a cache, and the pool of a thread may be small."""
    make(settings, DJANGO, pool_class=here("OwnPool"), max_connections=1)
    found = []
    for _ in range(2):
        thread = threading.Thread(
            target=lambda: found.append([connection.client("default") for _ in range(2)])
        )
        thread.start()
        thread.join()
    (first, again), (other, _) = found
    assert first is again
    assert first.connection_pool is not other.connection_pool


def test_django_redis_is_optional():
    """Without it Django's backend works as before."""
    code = f"""
import sys
sys.modules["django_redis"] = None
from django.conf import settings
settings.configure(CACHES={{"default": {{"BACKEND": "{DJANGO}", "LOCATION": "{NOWHERE}"}}}})
from swap_user.otp.store import connection
print(connection.client("default").connection_pool.connection_kwargs["socket_timeout"])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "3\n"
