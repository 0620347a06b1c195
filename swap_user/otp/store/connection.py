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
from django.core.cache.backends.base import BaseCache, default_key_func

from swap_user.otp.store.adapters import adapter_for

SOCKET_TIMEOUT = 3
"""How long to wait for a response of Redis or a connection, in seconds, if CACHES sets no limit."""

# By alias: the settings of the cache, and the client that was created from them.
_clients: dict[str, tuple[Any, redis.Redis]] = {}

# By alias: the settings of the cache, and the prefix of its keys; "" if it may change.
_prefixes: dict[str, tuple[Any, str]] = {}


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


def location(client: redis.Redis) -> str:
    """
    Return the server that a client connects to, as a URL without a name and a password.

    Args:
        client: a client of this module.

    Returns:
        The URL, or "" if the client is a custom one that does not say.
    """
    pool = getattr(client, "connection_pool", None)
    # The parts that redis-py has parsed. A URL in CACHES may have its password in several places.
    options = getattr(pool, "connection_kwargs", {})
    if path := options.get("path"):
        return f"unix://{path}"
    # With Sentinel, a server is found by the name of the service.
    if not (server := getattr(pool, "service_name", "")):
        if not options.get("host"):
            return ""
        host = f"[{options['host']}]" if ":" in options["host"] else options["host"]  # IPv6
        server = f"{host}:{options.get('port') or 6379}"
    return f"redis://{server}/{options.get('db') or 0}"


def full_name(alias: str, name: str) -> str:
    """
    Return the name of a key in Redis, as the cache makes it.

    With Django's own KEY_FUNCTION, the prefix is always the same, and only the first call asks the
    cache. Another function may depend on the request, for example on its tenant.

    Args:
        alias: a key of CACHES.
        name: the name of the key in this package.

    Raises:
        InvalidCacheBackendError: CACHES has no such alias.
    """
    prefix = _fixed_prefix(alias)
    return prefix + name if prefix else caches[alias].make_key(name)


def scope(alias: str) -> str:
    """
    Return text that differs between the tenants that the cache keeps apart.

    Args:
        alias: a key of CACHES.

    Returns:
        The key that the cache makes of an empty name, or "" if its prefix is always the same.

    Raises:
        InvalidCacheBackendError: CACHES has no such alias.
    """
    return "" if _fixed_prefix(alias) else caches[alias].make_key("")


def _fixed_prefix(alias: str) -> str:
    settings = caches.settings.get(alias)
    kept = _prefixes.get(alias)
    # After override_settings, the settings are another dict.
    if kept is None or kept[0] is not settings:
        cache = caches[alias]
        kept = _prefixes[alias] = (settings, cache.make_key("") if has_fixed_prefix(cache) else "")
    return kept[1]


def has_fixed_prefix(cache: BaseCache) -> bool:
    """Return whether the cache makes its keys as Django does, from a constant prefix."""
    own = vars(cache)
    return (
        cache.key_func is default_key_func
        and type(cache).make_key is BaseCache.make_key
        and type(own.get("key_prefix")) is str
        and type(own.get("version")) is int
    )


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
