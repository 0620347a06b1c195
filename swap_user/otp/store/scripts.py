"""
Redis (or Valkey), as CACHES names it: the one place that talks to it.

What lies there are counters and expiries, never a code, a secret or a username.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import redis
from django.conf import settings
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured
from django.utils.encoding import force_bytes

from swap_user.conf import swap_user_settings
from swap_user.otp import audit
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.store import client as connection

# What a replica answers; older servers say it in the words of a script's error.
_DEMOTED = (redis.exceptions.ReadOnlyError, redis.exceptions.MasterDownError)


def account_key(identity: str) -> str:
    """
    Return what stands for an account in Redis: a keyed hash of its canonical username.

    Args:
        identity: as ``swap_user.users.usernames.normalize`` gives it.
    """
    return keyed("account", identity)


def keyed(kind: str, value: str) -> str:
    """
    Return what stands for ``value`` in Redis: a hash under a key that follows from SECRET_KEY.

    Args:
        kind: what it is; equal values of two kinds differ.
        value: a name, an address or the like, which Redis isn't told.
    """
    return hmac.digest(_hash_key(kind, settings.SECRET_KEY), value.encode(), "sha256").hex()[:32]


@lru_cache(maxsize=16)
def _hash_key(kind: str, secret: str | bytes) -> bytes:
    # What Django's salted_hmac() derives anew each time.
    return hashlib.sha256(force_bytes(f"swap_user.{kind}") + force_bytes(secret)).digest()


def key(account: str, *parts: str) -> str:
    """
    Return the full name of a key of an account.

    The braces are a hash tag: all keys of an account lie on one node of a cluster, so that one
    script may touch several.
    """
    name = ":".join(("swap_user", "{" + account + "}", *parts))
    prefix = connection.prefix(swap_user_settings.OTP_CACHE)
    return caches[swap_user_settings.OTP_CACHE].make_key(name) if prefix is None else prefix + name


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
                return client.execute_command(  # type: ignore[no-untyped-call]
                    "EVALSHA", self.sha, len(keys), *keys, *args
                )
            except redis.exceptions.NoScriptError:
                # The server was restarted, or its script cache flushed.
                return client.eval(self.source, len(keys), *keys, *args)


@contextmanager
def _reached() -> Iterator[redis.Redis]:
    """Give the server that writes go to, and say an outage in the log and as one exception."""
    alias = swap_user_settings.OTP_CACHE
    try:
        client = connection.client(alias)
    except connection.NotRedis as error:
        raise ImproperlyConfigured(
            f"CACHES[{alias!r}] is {error}; one-time codes need a Redis cache, because only one "
            "atomic step makes a code count once."
        ) from None
    try:
        yield client
    except (redis.exceptions.RedisError, OSError) as error:
        if isinstance(error, _DEMOTED) or "READONLY" in str(error):
            # It is a replica now: the next try asks anew where the server of this name is.
            client.connection_pool.disconnect(inuse_connections=False)
        audit.record(
            logging.ERROR,
            "login unavailable",
            server="redis",
            error=type(error).__name__,
            reason=error,
        )
        raise LoginUnavailable("Redis can't be reached; no code can be checked.") from error
