"""
Redis (or Valkey), as CACHES names it: the one place that talks to it.

What lies there are counters and expiries, never a code, a secret or a username.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import redis
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.redis import RedisCache
from django.core.exceptions import ImproperlyConfigured
from django.utils.crypto import salted_hmac

from swap_user.conf import swap_user_settings
from swap_user.otp.exceptions import LoginUnavailable

logger = logging.getLogger("swap_user.security")


def account_key(identity: str) -> str:
    """
    Return what stands for an account in Redis: a keyed hash of its canonical username.

    Args:
        identity: as ``swap_user.identity.normalize`` gives it.
    """
    return salted_hmac("swap_user.account", identity, algorithm="sha256").hexdigest()[:32]


def key(account: str, *parts: str) -> str:
    """
    Return the full name of a key of an account.

    The braces are a hash tag: all keys of an account lie on one node of a cluster, so that one
    script may touch several.
    """
    return _cache().make_key(":".join(("swap_user", "{" + account + "}", *parts)))


class Script:
    """
    A Lua script, run atomically by the server in one round trip.

    Args:
        source: the Lua text.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        # The name by which EVALSHA knows a script: no security rests on it.
        self.sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    def __call__(self, keys: Sequence[str], args: Sequence[str | int]) -> Any:
        """
        Run it and return what it returns.

        Raises:
            LoginUnavailable: the server can't be reached, or refuses to write.
        """
        with _reached() as client:
            try:
                return client.evalsha(self.sha, len(keys), *keys, *args)
            except redis.exceptions.NoScriptError:
                # The server was restarted, or its script cache flushed.
                return client.eval(self.source, len(keys), *keys, *args)


def get_many(keys: Sequence[str]) -> list[str | None]:
    """
    Return the values of ``keys`` in one round trip, None for each that is not there.

    Raises:
        LoginUnavailable: the server can't be reached.
    """
    with _reached() as client:
        values = client.mget(keys)
    return [value.decode() if isinstance(value, bytes) else value for value in values]


def is_redis(cache: BaseCache) -> bool:
    """Say whether ``cache`` is one of the two Redis backends, or a subclass of one."""
    return _client_getter(cache) is not None


def _cache() -> BaseCache:
    return caches[swap_user_settings.OTP_CACHE]


def _client_getter(cache: BaseCache) -> Callable[..., Any] | None:
    if isinstance(cache, RedisCache):
        # Django's makes a new client each time, which is dear; the pool below it is the same.
        return lambda write: _client(cache._cache, write=write)
    # django-redis is optional: its backend is known by the class of its client.
    if type(cache).__module__.startswith("django_redis.") or any(
        base.__module__.startswith("django_redis.") for base in type(cache).__mro__
    ):
        return cache.client.get_client  # type: ignore[attr-defined,no-any-return]
    return None


def _client(maker: Any, *, write: bool) -> Any:
    kept = vars(maker).setdefault("_swap_user_clients", {})
    if write not in kept:
        kept[write] = maker.get_client(write=write)
    return kept[write]


@contextmanager
def _reached() -> Iterator[redis.Redis]:
    """Give the server that writes go to, and say an outage in the log and as one exception."""
    cache = _cache()
    get_client = _client_getter(cache)
    if get_client is None:
        raise ImproperlyConfigured(
            f"CACHES[{swap_user_settings.OTP_CACHE!r}] is {type(cache).__name__}; one-time codes "
            "need a Redis cache, because only one atomic step makes a code count once."
        )
    try:
        # Never a replica: it may not have heard of a used code yet.
        yield get_client(write=True)
    except (redis.exceptions.RedisError, OSError) as error:
        logger.error("login unavailable: redis error=%s: %s", type(error).__name__, error)
        raise LoginUnavailable("Redis can't be reached; no code can be checked.") from error
