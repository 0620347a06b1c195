"""Which exceptions mean that a database or a cache is unavailable, and how they are logged."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import redis
from django.db import DatabaseError, InterfaceError, OperationalError, connections

from swap_user.otp import audit
from swap_user.otp.exceptions import LoginUnavailable

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


@contextmanager
def report_database_outage() -> Iterator[None]:
    """
    Log a database outage and raise LoginUnavailable.

    Raises:
        LoginUnavailable: the database could not be reached inside the ``with`` block.
    """
    try:
        yield
    except DATABASE_ERRORS as error:
        if _is_missing_table(error):
            raise
        _close_broken_connections()
        _record_outage("database", error)
        raise LoginUnavailable(
            "The database can't be reached. Logging in is not possible."
        ) from error


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
    Log an outage.

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


def _is_missing_table(error: Exception) -> bool:
    """
    Return whether a table or a column is missing, which is an error of the project.

    SQLite reports both as OperationalError, and MariaDB reports a missing column so (1054).
    """
    return str(error).startswith("no such ") or error.args[:1] == (1054,)


def _close_broken_connections() -> None:
    """Close broken connections, so that the next query opens new ones within this request."""
    for connection in connections.all(initialized_only=True):
        # Closing a connection raises an exception if the server can't be reached.
        with suppress(DatabaseError):
            connection.close_if_unusable_or_obsolete()
