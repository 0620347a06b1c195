"""
Redis (or Valkey), as CACHES names it: the one place that talks to it.

What lies there are counters and expiries, never a code, a secret or a username.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import redis
from django.core.exceptions import ImproperlyConfigured

from swap_user.conf import swap_user_settings
from swap_user.otp import audit
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.store import connection

# What a replica answers; older servers say it in the words of a script's error.
_DEMOTED = (redis.exceptions.ReadOnlyError, redis.exceptions.MasterDownError)


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
