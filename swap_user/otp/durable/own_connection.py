"""
Connections of our own, beside the one of the caller, for what the caller must not roll back.

They are opened outside of the project's connection pool: with a pool of one connection, the caller
has it. They are closed at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.db import DatabaseError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from swap_user.otp.availability import DATABASE_ERRORS, is_conflict, is_in_transaction

Statement = Callable[[BaseDatabaseWrapper, CursorWrapper], bool]
"""A function that runs a statement and returns whether it has changed a row."""

# How long to wait for a connection, and how long for a lock, in seconds.
SECONDS = 2


class UnclearCommit(OperationalError):
    """The connection failed while the statements were being committed: they may be stored."""


def can_limit(live: BaseDatabaseWrapper) -> bool:
    """Return whether a lock that the caller holds can't block a connection of our own forever."""
    return live.vendor in _LIMITS


def may_see_old_rows(live: BaseDatabaseWrapper) -> bool:
    """
    Return whether transactions like that of the caller may not see what was committed since.

    Args:
        live: the connection of the caller, see ``can_limit()``.
    """
    configured: Any = getattr(live, "isolation_level", None)  # an enum, or a text with MySQL
    levels = [getattr(configured, "name", configured)]
    if live.vendor == "postgresql" and is_in_transaction(live):
        with live.cursor() as cursor:
            cursor.execute("SHOW transaction_isolation")  # the caller may have set another one
            levels += cursor.fetchone()
    return not all(str(level).lower().replace("_", " ") in _SEES_COMMITS for level in levels)


_SEES_COMMITS = {"read committed", "read uncommitted"}


@contextmanager
def own_connection(
    live: BaseDatabaseWrapper,
) -> Iterator[tuple[BaseDatabaseWrapper, CursorWrapper]]:
    """
    Open a second connection to the database of ``live``; commit and close it.

    All statements must use the cursor: backends of multi-tenant projects choose the schema for
    each cursor.

    Args:
        live: the connection of the caller, see ``can_limit()``.

    Raises:
        UnclearCommit: see there. After any other error, nothing is stored.
    """
    options, limit = _LIMITS[live.vendor](live)
    settings = copied_settings(live, options)
    # PostgreSQL lets a single transaction set its limits, so that this works with PgBouncer.
    settings["AUTOCOMMIT"] = False
    with opened(type(live), settings, live.alias) as own, own.cursor() as cursor:
        limit(cursor)
        yield own, cursor
        _commit(own)


def _commit(own: BaseDatabaseWrapper) -> None:
    try:
        own.commit()
    except DATABASE_ERRORS as error:
        if is_conflict(error):
            raise
        raise UnclearCommit(str(error)) from error


@contextmanager
def opened(
    backend: type[BaseDatabaseWrapper], settings: dict[str, Any], alias: str
) -> Iterator[BaseDatabaseWrapper]:
    """Yield a new connection that belongs to this thread, and close it."""
    own = backend(settings, alias)
    try:
        yield own
    finally:
        with suppress(DatabaseError):  # the server may be away
            own.close()


def copied_settings(live: BaseDatabaseWrapper, options: dict[str, Any]) -> dict[str, Any]:
    """
    Return the settings of a connection, without its pool.

    Args:
        live: the connection. Its settings name the test database in a test.
        options: replace those of the project.
    """
    kept = {name: value for name, value in live.settings_dict["OPTIONS"].items() if name != "pool"}
    return {**live.settings_dict, "OPTIONS": {**kept, **options}}


Limit = Callable[[CursorWrapper], None]


def _limit_postgresql(live: BaseDatabaseWrapper) -> tuple[dict[str, Any], Limit]:
    from django.db.backends.postgresql.psycopg_any import IsolationLevel  # noqa: PLC0415

    with live.cursor() as cursor:
        cursor.execute("SHOW search_path")  # the schema of a tenant
        (path,) = cursor.fetchone()

    def limit(cursor: CursorWrapper) -> None:
        cursor.execute(
            "SELECT set_config('lock_timeout', %s, true), set_config('search_path', %s, true)",
            [f"{SECONDS}s", path],
        )

    # At a higher level, the UPDATE could be in conflict with the transaction of the caller.
    return {**_connect_timeout(live), "isolation_level": IsolationLevel.READ_COMMITTED}, limit


def _limit_mysql(live: BaseDatabaseWrapper) -> tuple[dict[str, Any], Limit]:
    def limit(cursor: CursorWrapper) -> None:
        cursor.execute(
            "SET SESSION innodb_lock_wait_timeout = %s, SESSION lock_wait_timeout = %s",
            [SECONDS, SECONDS],
        )

    return {**_connect_timeout(live), "isolation_level": "read committed"}, limit


def _connect_timeout(live: BaseDatabaseWrapper) -> dict[str, Any]:
    configured = int(live.settings_dict["OPTIONS"].get("connect_timeout", SECONDS))
    # 0 means no limit.
    return {"connect_timeout": min(configured, SECONDS) if configured > 0 else SECONDS}


_LIMITS: dict[str, Callable[[BaseDatabaseWrapper], tuple[dict[str, Any], Limit]]] = {
    "postgresql": _limit_postgresql,
    "mysql": _limit_mysql,  # MariaDB too
}
