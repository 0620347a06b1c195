"""
The client that codes are checked through: one a process, and never waiting for ever.

CACHES says where Redis is. Django keeps a connection pool for each thread, and neither backend
has a time limit with every version of redis-py. A cache may wait; a login that hangs takes the
whole site with it, since each visitor who tries again takes one more worker.
"""

from __future__ import annotations

from typing import Any

import redis
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.backoff import NoBackoff
from redis.retry import Retry

SOCKET_TIMEOUT = 3
"""Seconds that an answer of Redis, or a connection to it, may take where CACHES has no limit."""

_PLAIN_POOLS = (redis.ConnectionPool, redis.BlockingConnectionPool)

# By alias: the settings that a client was made for, and the client.
_clients: dict[str, tuple[Any, redis.Redis]] = {}

# Likewise: the settings, and the prefix of keys.
_prefixes: dict[str, tuple[Any, str | None]] = {}


class NotRedis(Exception):
    """The cache is of another kind."""


def client(alias: str) -> redis.Redis:
    """
    Return the client of the server that writes go to.

    Never a replica's: it may not have heard of a used code yet. The pool below the client starts
    afresh in a forked process.

    Args:
        alias: in CACHES.

    Raises:
        NotRedis: that cache is no Redis cache.
        InvalidCacheBackendError: there is none of this name.
    """
    settings = caches.settings.get(alias)
    kept = _clients.get(alias)
    # Settings that were overridden are another dict.
    if kept is not None and kept[0] is settings:
        return kept[1]
    cache = caches[alias]
    made = _make(cache)
    if made is None:
        # Sentinel, a cluster, a pool of the project's own: they know best how to wait.
        return _as_it_is(cache)
    _clients[alias] = (settings, made)
    return made


def prefix(alias: str) -> str | None:
    """
    Return what the cache puts in front of every key, None where it does something else to keys.

    Args:
        alias: in CACHES.

    Raises:
        InvalidCacheBackendError: there is none of this name.
    """
    settings = caches.settings.get(alias)
    kept = _prefixes.get(alias)
    if kept is None or kept[0] is not settings:
        make = caches[alias].make_key
        found = make("")
        kept = _prefixes[alias] = (settings, found if make("a:b") == f"{found}a:b" else None)
    return kept[1]


def probe(alias: str, seconds: float) -> redis.Redis | None:
    """
    Return a client for one question that may stay open, None where the connections aren't ours.

    Args:
        alias: in CACHES.
        seconds: how long an answer may take.

    Raises:
        InvalidCacheBackendError: there is no such cache.
    """
    made = _make(caches[alias])
    if made is not None:
        made.connection_pool.connection_kwargs.update(
            socket_timeout=seconds, socket_connect_timeout=seconds
        )
    return made


def is_redis(cache: BaseCache) -> bool:
    """Say whether ``cache`` is one of the two Redis backends, or a subclass of one."""
    return isinstance(cache, RedisCache) or _is_django_redis(cache)


def _make(cache: Any) -> redis.Redis | None:
    """Return a client with limits, or None where the project has built its own connections."""
    if isinstance(cache, RedisCache):
        return _for_django(cache._cache)
    return _for_django_redis(cache.client) if _is_django_redis(cache) else None


def _for_django(maker: Any) -> redis.Redis | None:
    changed = type(maker).get_client is not RedisCacheClient.get_client
    if changed or maker._pool_class not in _PLAIN_POOLS:
        return None
    # What stands in the address wins over both, in redis-py.
    pool = maker._pool_class.from_url(maker._servers[0], **_limits() | maker._pool_options)
    return maker._client(connection_pool=pool)  # type: ignore[no-any-return]


def _for_django_redis(maker: Any) -> redis.Redis | None:
    factory: Any = getattr(maker, "connection_factory", None)
    known = (
        type(factory).__module__ == "django_redis.pool"
        and type(factory).__name__ == "ConnectionFactory"
        and type(maker).get_client.__module__ == "django_redis.client.default"
        and type(maker).connect.__module__ == "django_redis.client.default"
    )
    if not known or factory.pool_cls not in _PLAIN_POOLS:
        return None
    pool = factory.get_connection_pool(_limits() | factory.make_connection_params(maker._server[0]))
    return factory.redis_client_cls(  # type: ignore[no-any-return]
        connection_pool=pool, **factory.redis_client_cls_kwargs
    )


def _limits() -> dict[str, Any]:
    return {
        "socket_timeout": SOCKET_TIMEOUT,
        "socket_connect_timeout": SOCKET_TIMEOUT,
        # Once more for a connection that broke while it lay idle, say because the server was
        # restarted. Not for one that timed out: the visitor would wait twice as long.
        "retry": Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    }


def _as_it_is(cache: Any) -> redis.Redis:
    if isinstance(cache, RedisCache):
        # Django's makes a new client each time, which is dear; the pool below it is the same.
        kept = vars(cache._cache)
        if "_swap_user_client" not in kept:
            kept["_swap_user_client"] = cache._cache.get_client(write=True)
        return kept["_swap_user_client"]  # type: ignore[no-any-return]
    if _is_django_redis(cache):
        return cache.client.get_client(write=True)  # type: ignore[no-any-return]
    raise NotRedis(type(cache).__name__)


def _is_django_redis(cache: BaseCache) -> bool:
    # It is optional: its backend is known by where its class comes from.
    return any(base.__module__.startswith("django_redis.") for base in type(cache).__mro__)
