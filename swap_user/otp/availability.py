"""
Which exceptions mean that a database or a cache is unavailable, and how they are logged.

A conflict with another transaction is no outage: the same transaction succeeds if it is run again.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

import redis
from django.db import DatabaseError, InterfaceError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from swap_user.otp import audit
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.signals import login_unavailable

DATABASE_ERRORS = (OperationalError, InterfaceError)
"""
Raised if the database server can't be reached, shuts down, is locked or is full.

Other database errors are bugs. They are not handled, so that developers see them.
"""

CACHE_ERRORS: tuple[type[Exception], ...] = (redis.RedisError,)
"""Raised by a Redis cache if its server can't be reached."""

try:
    from django_redis.exceptions import ConnectionInterrupted
except ImportError:  # django-redis is optional.
    pass
else:
    CACHE_ERRORS += (ConnectionInterrupted,)

# What a conflict with another transaction is called: SQLSTATE of PostgreSQL (serialization failure,
# deadlock), error numbers of MariaDB and MySQL (deadlock, changed since the snapshot), and
# SQLITE_BUSY_SNAPSHOT (written by another connection since the snapshot).
_CONFLICTS = {
    ("sqlstate", "40001"),
    ("sqlstate", "40P01"),
    ("mysql", 1213),
    ("mysql", 1020),
    ("sqlite", 517),
}

# What a value is called that is stored already: SQLSTATE of PostgreSQL (unique and exclusion
# constraints), the error number of MariaDB and MySQL, and the unique constraints of SQLite.
_DUPLICATES = {
    ("sqlstate", "23505"),
    ("sqlstate", "23P01"),
    ("mysql", 1062),
    ("sqlite", sqlite3.SQLITE_CONSTRAINT_UNIQUE),
    ("sqlite", sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY),
}

# How often a statement is run that has no transaction around it, if it meets a conflict each time.
_TRIES = 5

T = TypeVar("T")


def is_conflict(error: BaseException) -> bool:
    """Return whether a database error is a conflict of two transactions, and not an outage."""
    return _code_of(error) in _CONFLICTS


def is_duplicate(error: BaseException) -> bool:
    """Return whether a database error says that a row with a unique value is stored already."""
    return _code_of(error) in _DUPLICATES


def _code_of(error: BaseException) -> tuple[str, object]:
    """Return the code of a database error, and what kind of code it is."""
    cause = error.__cause__ or error  # what the driver raised
    if (code := getattr(cause, "sqlite_errorcode", None)) is not None:
        return "sqlite", code
    # Drivers for MariaDB and MySQL may have a SQLSTATE too, which several errors share.
    if cause.args and isinstance(cause.args[0], int):
        return "mysql", cause.args[0]
    return "sqlstate", getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)


def is_in_transaction(connection: BaseDatabaseWrapper) -> bool:
    """
    Return whether a statement on this connection becomes a part of an open transaction.

    The connection is not opened for the answer.
    """
    is_open = connection.connection is not None
    commits = connection.autocommit if is_open else connection.settings_dict["AUTOCOMMIT"]
    return connection.in_atomic_block or not commits


def retry_conflicts(statement: Callable[[], T]) -> T:
    """
    Run ``statement`` again, a few times, if it meets a conflict. Return its result.

    Args:
        statement: a function that runs a whole transaction.
    """
    for _ in range(_TRIES - 1):
        try:
            return statement()
        except OperationalError as error:
            if not is_conflict(error):
                raise
    return statement()


def unavailable(error: Exception) -> LoginUnavailable:
    """Log an outage of the database, and return the exception to raise."""
    _close_broken_connections()
    _record_outage("database", error)
    return LoginUnavailable("The database can't be reached. Logging in is not possible.")


@contextmanager
def report_database_outage() -> Iterator[None]:
    """
    Log a database outage and raise LoginUnavailable.

    A conflict in a transaction of the caller is raised as it is: the caller can run the whole
    transaction again.

    Raises:
        LoginUnavailable: the database could not be reached inside the ``with`` block.
        OperationalError: the transaction of the caller is in conflict with another one.
    """
    try:
        yield
    except DATABASE_ERRORS as error:
        if _is_missing_table(error) or (is_conflict(error) and _is_any_transaction_open()):
            raise
        raise unavailable(error) from error


@contextmanager
def report_session_outage(*errors: type[Exception]) -> Iterator[None]:
    """
    Log an outage of the cache that holds the sessions and raise LoginUnavailable.

    Args:
        errors: more exceptions that mean an outage, in addition to those of a Redis cache.

    Raises:
        LoginUnavailable: the sessions could not be reached inside the ``with`` block.
    """
    try:
        yield
    except (*CACHE_ERRORS, *errors) as error:
        _record_outage("sessions", error)
        raise LoginUnavailable(
            "The sessions can't be reached. Logging in is not possible."
        ) from error


def _record_outage(server: str, error: Exception) -> None:
    """
    Log an outage, and send the signal ``login_unavailable``.

    Args:
        server: "database" or "sessions".
        error: what the client of that server raised.
    """
    audit.record(
        logging.ERROR,
        "login unavailable",
        server=server,
        error=type(error).__name__,
        reason=error,
    )
    login_unavailable.send_robust(None, server=server, error=type(error).__name__)


def _is_missing_table(error: Exception) -> bool:
    """
    Return whether a table or a column is missing, which is an error of the project.

    SQLite reports both as OperationalError, and MariaDB reports a missing column so (1054).
    """
    return str(error).startswith("no such ") or error.args[:1] == (1054,)


def _is_any_transaction_open() -> bool:
    return any(map(is_in_transaction, connections.all(initialized_only=True)))


def _close_broken_connections() -> None:
    """Close broken connections, so that the next query opens new ones within this request."""
    for connection in connections.all(initialized_only=True):
        # Closing a connection raises an exception if the server can't be reached.
        with suppress(DatabaseError):
            connection.close_if_unusable_or_obsolete()
