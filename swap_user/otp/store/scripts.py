"""
Lua scripts. A login accesses Redis (or Valkey) only with them.

Redis stores counters, times and keyed hashes, never a code, a secret or a username.
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

# The errors of a replica after a write command. For older servers see _reached().
_DEMOTED = (redis.exceptions.ReadOnlyError, redis.exceptions.MasterDownError)


class Script:
    """
    A Lua script. The server runs it atomically, in one round trip.

    Args:
        source: the source code in Lua.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        # EVALSHA identifies a script by its SHA-1, which is not used for security.
        self.sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    def __call__(self, keys: Sequence[str], args: Sequence[str | int]) -> Any:
        """
        Run the script and return its result.

        Args:
            keys: KEYS of the script: full names, see ``keys.redis_key()``.
            args: ARGV of the script.

        Raises:
            LoginUnavailable: the server can't be reached, or does not accept writes.
        """
        with _reached() as client:
            try:
                return client.execute_command(  # type: ignore[no-untyped-call]
                    "EVALSHA", self.sha, len(keys), *keys, *args
                )
            except redis.exceptions.NoScriptError:
                # The server was restarted, or its script cache was flushed.
                return client.eval(self.source, len(keys), *keys, *args)


@contextmanager
def _reached() -> Iterator[redis.Redis]:
    """
    Yield the client of OTP_CACHE. Log an outage and raise LoginUnavailable.

    Raises:
        LoginUnavailable: the server can't be reached, or does not accept writes.
        ImproperlyConfigured: OTP_CACHE is not a Redis cache.
    """
    alias = swap_user_settings.OTP_CACHE
    try:
        client = connection.client(alias)
    except connection.NotRedis as error:
        raise ImproperlyConfigured(
            f"CACHES[{alias!r}] is {error}, but one-time codes need a Redis cache, where a code is "
            "consumed in one atomic step."
        ) from None
    try:
        yield client
    except (redis.exceptions.RedisError, OSError) as error:
        if isinstance(error, _DEMOTED) or "READONLY" in str(error):
            # This server is a replica since a failover. After the connections are closed, the next
            # command resolves the host name again, or asks Sentinel for the new server.
            client.connection_pool.disconnect(inuse_connections=False)
        audit.record(
            logging.ERROR,
            "login unavailable",
            server="redis",
            error=type(error).__name__,
            reason=error,
        )
        raise LoginUnavailable("Redis can't be reached; no code can be checked.") from error
