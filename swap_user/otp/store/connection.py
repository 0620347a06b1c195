"""
The Redis clients that this package uses, one for each alias of CACHES and each process.

The clients of the cache backends are used only if connections are custom. Django creates a
connection pool for each thread, and neither backend has a time limit with every version of
redis-py. A login that waits for Redis without a limit blocks a worker of the server, and every
visitor who tries again blocks another worker.
"""

from __future__ import annotations

from typing import Any

import redis
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache

from swap_user.otp.store.adapters import adapter_for

SOCKET_TIMEOUT = 3
"""How long to wait for a response of Redis or a connection, in seconds, if CACHES sets no limit."""

# By alias: the settings of the cache, and the client that was created from them.
_clients: dict[str, tuple[Any, redis.Redis]] = {}

# By alias: the settings of the cache, and the prefix of its keys.
_prefixes: dict[str, tuple[Any, str | None]] = {}


class NotRedis(Exception):
    """The cache is not a Redis cache."""


def client(alias: str) -> redis.Redis:
    """
    Return the client for the server that accepts writes.

    A replica is never used, because it may not know yet that a code was used. After a fork,
    redis-py opens new connections.

    Args:
        alias: a key of CACHES.

    Raises:
        NotRedis: the cache is not a Redis cache.
        InvalidCacheBackendError: CACHES has no such alias.
    """
    settings = caches.settings.get(alias)
    kept = _clients.get(alias)
    # After override_settings, the settings are another dict.
    if kept is not None and kept[0] is settings:
        return kept[1]
    cache = caches[alias]
    adapter = adapter_for(cache)
    if adapter is None:
        raise NotRedis(type(cache).__name__)
    client = adapter.client(SOCKET_TIMEOUT)
    # A custom client may belong to the cache of this thread, so it is not stored.
    if not adapter.is_custom:
        _clients[alias] = (settings, client)
    return client


def prefix(alias: str) -> str | None:
    """
    Return the prefix that the cache adds to every key.

    Args:
        alias: a key of CACHES.

    Returns:
        The prefix, or None if a KEY_FUNCTION changes keys in another way.

    Raises:
        InvalidCacheBackendError: CACHES has no such alias.
    """
    settings = caches.settings.get(alias)
    kept = _prefixes.get(alias)
    if kept is None or kept[0] is not settings:
        make_key = caches[alias].make_key
        found = make_key("")
        kept = (settings, found if make_key("a:b") == f"{found}a:b" else None)
        _prefixes[alias] = kept
    return kept[1]


def probe(alias: str, seconds: float) -> redis.Redis | None:
    """
    Return a new client for a single command, which may fail.

    Args:
        alias: a key of CACHES.
        seconds: how long to wait for a response or a connection.

    Returns:
        The client, or None if the cache is not a Redis cache or its connections are custom.

    Raises:
        InvalidCacheBackendError: CACHES has no such alias.
    """
    adapter = adapter_for(caches[alias])
    return adapter.probe(seconds) if adapter else None


def is_redis(cache: BaseCache) -> bool:
    """Return whether ``cache`` is an instance of one of the two Redis backends."""
    return adapter_for(cache) is not None
