"""
Adapters for the two Redis cache backends: Django's, and the one of django-redis.

An adapter creates a Redis client from the settings of a cache. Only the adapter of a backend
depends on the internals of this backend.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any
from weakref import WeakKeyDictionary

import redis
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.backoff import NoBackoff
from redis.retry import Retry

try:
    from django_redis.cache import RedisCache as PackageRedisCache
    from django_redis.client import DefaultClient
    from django_redis.pool import ConnectionFactory
except ImportError:  # django-redis is optional.
    PackageRedisCache = None

_PLAIN_POOLS = (redis.ConnectionPool, redis.BlockingConnectionPool)

# As many connections as threads need them, as in redis-py before version 8, whose default is 100.
# An ASGI server has a thread for each request, and more than 100 requests at the same moment.
_MAX_CONNECTIONS = 2**31


class CacheAdapter(ABC):
    """
    Creates Redis clients from a cache.

    Args:
        cache: a cache of the backend that the adapter is for.
    """

    def __init__(self, cache: Any) -> None:
        self.cache = cache

    @property
    @abstractmethod
    def is_custom(self) -> bool:
        """Whether the project customizes connections: Sentinel, or its own pool or client class."""

    @property
    @abstractmethod
    def pool_class(self) -> type[redis.ConnectionPool]:
        """The class of connection pools."""

    @abstractmethod
    def own_client(self) -> redis.Redis:
        """Return the client of the cache for the server that accepts writes."""

    @abstractmethod
    def connect(self, **defaults: Any) -> redis.Redis:
        """
        Return a new client for the server that accepts writes. It has its own connection pool.

        Args:
            defaults: arguments of a connection. CACHES overrides them.
        """

    def client(self, timeout: float) -> redis.Redis:
        """
        Return a client for the server that accepts writes.

        If connections are custom, return the client of the cache, because the project decides about
        its time limits. Otherwise return a new client with time limits.

        Args:
            timeout: how long to wait for a response or a connection, in seconds, if CACHES sets no
                limit.
        """
        if self.is_custom:
            return self.own_client()
        # A blocking pool makes a list of all its places.
        is_simple = self.pool_class is redis.ConnectionPool
        return self.connect(
            **({"max_connections": _MAX_CONNECTIONS} if is_simple else {}),
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            # One retry after a connection error: an idle connection is broken if the server was
            # restarted. No retry after a timeout, because the visitor would wait twice as long.
            retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
        )

    def probe(self, seconds: float) -> redis.Redis | None:
        """
        Return a new client for a single command, or None if connections are custom.

        Args:
            seconds: how long to wait for a response or a connection. It overrides CACHES.
        """
        if self.is_custom:
            return None
        client = self.client(seconds)
        client.connection_pool.connection_kwargs.update(
            socket_timeout=seconds, socket_connect_timeout=seconds
        )
        return client


class DjangoRedisCacheAdapter(CacheAdapter):
    """For ``django.core.cache.backends.redis.RedisCache``."""

    # Django creates a new client at every call, which is expensive. So the client of each cache is
    # stored here. Every thread has its own cache.
    _own_clients: WeakKeyDictionary[BaseCache, redis.Redis] = WeakKeyDictionary()

    @property
    def is_custom(self) -> bool:
        """Whether the client class or the pool class was replaced."""
        maker = self.cache._cache
        if type(maker) is not self.cache._class:
            return True
        if type(maker).get_client is not RedisCacheClient.get_client:
            return True
        return self.pool_class not in _PLAIN_POOLS

    @property
    def pool_class(self) -> type[redis.ConnectionPool]:
        """The class of connection pools."""
        return type(self.own_client().connection_pool)

    def own_client(self) -> redis.Redis:
        """Return the client of the cache for the server that accepts writes."""
        client = self._own_clients.get(self.cache)
        if client is None:
            client = self._own_clients[self.cache] = self.cache._cache.get_client(write=True)
        return client

    def connect(self, **defaults: Any) -> redis.Redis:
        """Return a new client, which is created as the cache creates its client."""
        # Options in the address (LOCATION) override these in redis-py.
        maker = self.cache._class(self.cache._servers, **defaults | self.cache._options)
        return maker.get_client(write=True)  # type: ignore[no-any-return]


class DjangoRedisPackageAdapter(CacheAdapter):
    """For ``django_redis.cache.RedisCache``, of the package django-redis."""

    @property
    def is_custom(self) -> bool:
        """Whether the client class, the connection factory or the pool class was replaced."""
        maker = self.cache.client
        return not (
            type(maker).get_client is DefaultClient.get_client
            and type(maker).connect is DefaultClient.connect
            and type(maker.connection_factory) is ConnectionFactory
            and self.pool_class in _PLAIN_POOLS
        )

    @property
    def pool_class(self) -> type[redis.ConnectionPool]:
        """The class of connection pools."""
        return self.cache.client.connection_factory.pool_cls  # type: ignore[no-any-return]

    def own_client(self) -> redis.Redis:
        """Return the client of the cache for the server that accepts writes."""
        return self.cache.client.get_client(write=True)  # type: ignore[no-any-return]

    def connect(self, **defaults: Any) -> redis.Redis:
        """Return a new client, which is created as the connection factory creates clients."""
        maker = self.cache.client
        factory = maker.connection_factory
        address = maker._server[maker.get_next_client_index(write=True)]
        pool = factory.get_connection_pool(defaults | factory.make_connection_params(address))
        return factory.redis_client_cls(  # type: ignore[no-any-return]
            connection_pool=pool, **factory.redis_client_cls_kwargs
        )


_ADAPTERS: dict[type[BaseCache], type[CacheAdapter]] = {RedisCache: DjangoRedisCacheAdapter}
if PackageRedisCache is not None:
    _ADAPTERS[PackageRedisCache] = DjangoRedisPackageAdapter


def adapter_for(cache: BaseCache) -> CacheAdapter | None:
    """Return an adapter for ``cache``, or None if it is not a Redis cache."""
    for backend, adapter in _ADAPTERS.items():
        if isinstance(cache, backend):
            return adapter(cache)
    return None
