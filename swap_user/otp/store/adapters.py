"""
Adapters for the cache backends that CACHES can name for Redis.

An adapter makes a Redis client from a cache. The internals of a backend are read in the adapter
that is named after it, and nowhere else.
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


class CacheAdapter(ABC):
    """
    Makes Redis clients from a cache.

    Args:
        cache: a cache of the backend that the adapter is for.
    """

    def __init__(self, cache: Any) -> None:
        self.cache = cache

    @property
    @abstractmethod
    def is_custom(self) -> bool:
        """Whether the project makes the connections: by Sentinel, or a pool or client class."""

    @abstractmethod
    def own_client(self) -> redis.Redis:
        """Return the cache's own client of the server that writes go to."""

    @abstractmethod
    def connect(self, **defaults: Any) -> redis.Redis:
        """
        Return a new client of the server that writes go to, with a connection pool of its own.

        Args:
            defaults: arguments of a connection, for those that CACHES does not set.
        """

    def client(self, timeout: float) -> redis.Redis:
        """
        Return a client of the server that writes go to.

        It is the cache's own if that is custom, because such a class has its own limits. Else it
        is a new one, with time limits.

        Args:
            timeout: seconds to wait for an answer or a connection, where CACHES sets no limit.
        """
        if self.is_custom:
            return self.own_client()
        return self.connect(
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            # One retry, for a connection that broke while it was idle: the server was restarted.
            # No retry after a timeout, because the visitor would wait twice as long.
            retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
        )

    def probe(self, seconds: float) -> redis.Redis | None:
        """
        Return a new client for a single question, or None if the cache's client is custom.

        Args:
            seconds: how long an answer or a connection may take, whatever CACHES sets.
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

    # Django makes a new client at every call, which is expensive. One is kept for each cache, and
    # there is a cache for each thread.
    _own_clients: WeakKeyDictionary[BaseCache, redis.Redis] = WeakKeyDictionary()

    @property
    def is_custom(self) -> bool:
        """Whether the client class was replaced, or the pool class."""
        maker = self.cache._cache
        if type(maker) is not self.cache._class:
            return True
        if type(maker).get_client is not RedisCacheClient.get_client:
            return True
        return type(self.own_client().connection_pool) not in _PLAIN_POOLS

    def own_client(self) -> redis.Redis:
        """Return the cache's own client of the server that writes go to."""
        client = self._own_clients.get(self.cache)
        if client is None:
            client = self._own_clients[self.cache] = self.cache._cache.get_client(write=True)
        return client

    def connect(self, **defaults: Any) -> redis.Redis:
        """Return a new client, made as the cache makes its own."""
        # redis-py prefers the options in the address to these.
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
            and maker.connection_factory.pool_cls in _PLAIN_POOLS
        )

    def own_client(self) -> redis.Redis:
        """Return the cache's own client of the server that writes go to."""
        return self.cache.client.get_client(write=True)  # type: ignore[no-any-return]

    def connect(self, **defaults: Any) -> redis.Redis:
        """Return a new client, made as the cache's connection factory makes them."""
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
