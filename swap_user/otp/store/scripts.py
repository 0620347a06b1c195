"""
Lua scripts. A login accesses Redis (or Valkey) only with them.

Redis stores counters, times and keyed hashes, never a code, a secret or a username.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from typing import Any

import redis
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from swap_user.conf import swap_user_settings
from swap_user.otp import audit
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.store import connection
from swap_user.otp.store.budgets import Budget
from swap_user.signals import login_unavailable

# The errors of a replica after a write command. For older servers see _reached().
_DEMOTED = (redis.exceptions.ReadOnlyError, redis.exceptions.MasterDownError)

# A script knows its keys and its arguments by their names.
_PRELUDE = """\
local args = cjson.decode(ARGV[1])
local keys = {}
for i, name in ipairs(args.keys) do keys[name] = KEYS[i] end
"""

_USES = "-- uses: "


class Script:
    """
    A Lua script. The server runs it atomically, in one round trip.

    Args:
        source: the source code in Lua, which can use the tables ``keys`` and ``args``.
    """

    def __init__(self, source: str) -> None:
        self.source = _PRELUDE + source
        # EVALSHA identifies a script by its SHA-1, which is not used for security.
        self.sha = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()

    def __call__(self, keys: Mapping[str, str | None], **args: Any) -> Any:
        """
        Run the script and return its result.

        Args:
            keys: full names of keys, see ``keys.redis_key()``, by the names that the script uses. A
                key that is None or "" is left out.
            args: JSON values, by the names that the script uses. A budget is a table in Lua; see
                ``budgets.lua``.

        Raises:
            LoginUnavailable: the server can't be reached, or does not accept writes.
        """
        present = {name: key for name, key in keys.items() if key}
        names = [*present.values()]

        def table(budget: Budget) -> dict[str, Any]:
            names.append(budget.key)
            return {
                "at": len(names),
                "limit": budget.limit,
                "window": budget.window,
                "scope": budget.scope,
                "cost": budget.cost,
            }

        text = json.dumps({"keys": [*present], **args}, default=table, separators=(",", ":"))
        with _reached() as client:
            try:
                return client.execute_command(  # type: ignore[no-untyped-call]
                    "EVALSHA", self.sha, len(names), *names, text
                )
            except redis.exceptions.NoScriptError:
                # The server was restarted, or its script cache was flushed.
                return client.eval(self.source, len(names), *names, text)


class JSONScript(Script):
    """A script that returns JSON, or nil."""

    def __call__(self, keys: Mapping[str, str | None], **args: Any) -> Any:
        """Run the script and return the decoded result, or None; see Script."""
        answer = super().__call__(keys, **args)
        return None if answer is None else json.loads(answer)


def read(name: str) -> str:
    """
    Return the source code of a script in the folder ``lua``, with what it uses.

    Args:
        name: the name of the file, without its ending.
    """
    source = (resources.files(__package__) / "lua" / f"{name}.lua").read_text()
    first, _, rest = source.partition("\n")
    if not first.startswith(_USES):
        return source
    return "".join([*map(read, first.removeprefix(_USES).split(", ")), rest])


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
            location=connection.location(client),
            error=type(error).__name__,
            reason=error,
        )
        login_unavailable.send_robust(None, server="redis", error=type(error).__name__)
        if settings.DEBUG:
            audit.record(
                logging.ERROR,
                "redis missing",
                hint=f"start a Redis or Valkey server at {connection.location(client)}, or correct "
                f"LOCATION of CACHES[{alias!r}]",
            )
        raise LoginUnavailable("Redis can't be reached; no code can be checked.") from error
