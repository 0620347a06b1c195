"""
Run a statement so that a rollback of the caller does not undo it (R43).

Without a transaction, the statement is committed at once. Within a transaction of the caller:

- PostgreSQL, MariaDB, MySQL: a connection of our own commits the statement.
- A row that only the caller's transaction can see, because it was created there: the statement is a
  part of that transaction. What Redis holds stays until it is committed.
- SQLite, where no other connection can write until the transaction ends, and databases whose locks
  can't be limited: the statement is a part of the transaction, and a thread runs it again
  afterwards. What Redis holds stays until then.
- A ``TestCase``: the statement is a part of the transaction, which is rolled back after the test.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from django.db import connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from swap_user.otp import audit
from swap_user.otp.authenticators import updates
from swap_user.otp.availability import (
    DATABASE_ERRORS,
    is_in_transaction,
    retry_conflicts,
    unavailable,
)
from swap_user.otp.background import failures, lifecycle
from swap_user.otp.background.calls import ProcessEnds
from swap_user.otp.durable.after_commit import is_in_testcase
from swap_user.otp.durable.own_connection import (
    Statement,
    UnclearCommit,
    can_limit,
    copied_settings,
    opened,
    own_connection,
)

# How long a thread tries to run the statement after the transaction of the caller has ended, in
# seconds. Redis holds for longer.
_TRY_FOR = 600


class Held(Protocol):
    """What Redis holds in place of the statement, until the statement is committed."""

    @property
    def not_saved(self) -> str:
        """The event in the log if the statement could not be committed."""

    def keep(self) -> None:
        """Hold for long: the statement is not committed, or this is not certain."""

    def settle(self) -> None:
        """Hold no longer than usual: the statement is committed."""

    def give_back(self) -> None:
        """Hold no more: nothing is stored, and the visitor can try again."""


def run(
    alias: str, statement: Statement, held: Held, *, updated: models.Model | None = None
) -> bool:
    """
    Run a statement, and return whether it has changed a row.

    Args:
        alias: the database.
        statement: runs the statement. It can be run twice with the same effect.
        held: what Redis holds meanwhile.
        updated: the row that the statement updates, or None if it inserts a row.

    Raises:
        LoginUnavailable: a connection of our own could not run it.
        OperationalError: the connection of the caller could not run it.
    """
    connection = connections[alias]
    if not is_in_transaction(connection):
        return retry_conflicts(partial(_run, connection, statement))
    if is_in_testcase(connection.alias):
        return _run(connection, statement)
    if not can_limit(connection):
        return _run_in_transaction(connection, statement, held) and _run_later(
            connection, statement, held
        )
    try:
        changed = retry_conflicts(partial(_run_beside, connection, updated, statement))
    except UnclearCommit as error:
        held.keep()
        raise unavailable(error) from error
    except DATABASE_ERRORS as error:
        held.give_back()
        raise unavailable(error) from error
    if changed is not None:
        return changed
    if not _run_in_transaction(connection, statement, held):
        return False
    if connection.in_atomic_block:
        transaction.on_commit(held.settle, using=connection.alias, robust=True)
    return True


def _run(connection: BaseDatabaseWrapper, statement: Statement) -> bool:
    with connection.cursor() as cursor:
        return statement(connection, cursor)


def _run_in_transaction(connection: BaseDatabaseWrapper, statement: Statement, held: Held) -> bool:
    """Run it in the caller's transaction, which may be rolled back: Redis holds it."""
    if not _run(connection, statement):
        return False
    held.keep()
    return True


def _run_beside(
    connection: BaseDatabaseWrapper, updated: models.Model | None, statement: Statement
) -> bool | None:
    """Run it on a connection of our own. Return None if the updated row can't be seen there."""
    with own_connection(connection) as (own, cursor):
        # Asked first: MariaDB waits for the lock of a row even if it can't see that row.
        if updated is not None and not updates.is_visible(updated, own, cursor):
            return None
        return statement(own, cursor)


def _run_later(connection: BaseDatabaseWrapper, statement: Statement, held: Held) -> bool:
    """Run it once more when the transaction of the caller has ended. Return True."""
    in_memory: Any = getattr(connection, "is_in_memory_db", lambda: False)
    if not in_memory():  # no other connection can write to it
        settings = copied_settings(connection, {})
        deadline = time.monotonic() + _TRY_FOR
        _Later(type(connection), settings, connection.alias, statement, held, deadline).submit()
    return True


@dataclass(frozen=True, slots=True)
class _Later:
    """
    A job that runs a statement when the transaction of the caller has ended.

    Attributes:
        backend: the class of the connection.
        settings: the settings of the connection.
        alias: the alias of the database.
        statement: runs the statement.
        held: what Redis holds.
        deadline: when to give up, in seconds of time.monotonic().
    """

    backend: type[BaseDatabaseWrapper]
    settings: dict[str, Any] = field(repr=False)  # contains a password
    alias: str
    statement: Statement
    held: Held
    deadline: float

    def submit(self) -> None:
        """Queue the job."""
        if reason := lifecycle.current().submit(
            self._run, lost=partial(self._report, ProcessEnds.REASON)
        ):
            self._report(reason)

    def _run(self) -> None:
        try:
            with opened(self.backend, self.settings, self.alias) as own:
                # It waits until the caller has ended, who holds a lock since the first UPDATE.
                _run(own, self.statement)
        except Exception as error:  # noqa: BLE001 - the pool does not report it
            if isinstance(error, DATABASE_ERRORS) and time.monotonic() < self.deadline:
                self.submit()
            else:
                self._report(failures.describe(error))
        else:
            self.held.settle()

    def _report(self, reason: str) -> None:
        audit.record(logging.ERROR, self.held.not_saved, kept_in="redis", reason=reason)
