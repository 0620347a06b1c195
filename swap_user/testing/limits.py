"""Forgets what limits have counted, without touching the cache of the project."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from django.core.cache import InvalidCacheBackendError

from swap_user.conf import swap_user_settings
from swap_user.models import MessageCount, WrongGuess
from swap_user.otp.availability import CACHE_ERRORS
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.store import connection, keys
from swap_user.testing.workers import isolate_worker
from swap_user.users.databases import written

_OUTAGES: tuple[type[Exception], ...] = (*CACHE_ERRORS, OSError)
_UNUSABLE: tuple[type[Exception], ...] = (*_OUTAGES, connection.NotRedis, InvalidCacheBackendError)

# How many keys are looked at, and deleted, in one round trip.
_BATCH = 500

# Characters with a meaning in a pattern of SCAN.
_SPECIAL = re.compile(r"([*?\[\]^\\])")


def reset_limits() -> None:
    """
    Forget all limits: in Redis, and what the database has counted for a year.

    Only the keys of this package are deleted, not the rest of the cache. Codes that are on their
    way, and logins between their two factors, are forgotten too. If tests run in parallel, each
    process has its own keys, and only these are deleted. With a KEY_FUNCTION that knows tenants,
    those of the current tenant are deleted.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    isolate_worker()
    alias = swap_user_settings.OTP_CACHE
    try:
        delete_keys(connection.client(alias), alias)
    except _OUTAGES as error:
        raise LoginUnavailable("Redis can't be reached; the limits were not reset.") from error
    for model in (WrongGuess, MessageCount):
        written(model).all().delete()


def delete_keys(client: Any, alias: str) -> None:
    """
    Delete every key of this package, in a cluster on all of its nodes.

    Args:
        client: the client of the cache.
        alias: the cache, a key of CACHES.
    """
    before, after = connection.full_name(alias, f"{keys.NAMESPACE}:\0").split("\0")
    pattern = "*".join(_SPECIAL.sub(r"\\\1", part) for part in (before, after))
    found: list[Any] = []
    for key in client.scan_iter(match=pattern, count=_BATCH):
        found.append(key)
        if len(found) == _BATCH:
            client.delete(*found)
            found.clear()
    if found:
        client.delete(*found)


# Whether a test of this process has used Redis, so that another one may have left something there.
_is_used = False


@contextmanager
def fresh_limits() -> Iterator[None]:
    """
    Delete the keys of this package, unless no test of this process needs Redis.

    The first test that uses Redis deletes them when it does so. If Redis is down, the test sees
    what it would see without this.
    """
    isolate_worker()
    make_client, lock = connection.client, threading.Lock()
    is_due = not (_is_used and _could_delete(make_client))

    def client(alias: str) -> Any:
        nonlocal is_due
        global _is_used
        with lock:
            if is_due:
                is_due, _is_used = False, True
                _could_delete(make_client)
        return make_client(alias)

    with patch.object(connection, "client", client):
        yield


def _could_delete(make_client: Callable[[str], Any]) -> bool:
    """Delete the keys of this package, and return whether Redis could be reached."""
    alias = swap_user_settings.OTP_CACHE
    try:
        delete_keys(make_client(alias), alias)
    except _UNUSABLE:
        return False
    return True
