"""
Save that a code is used, so that a rollback of the caller does not undo it (R43).

Without a transaction, the UPDATE is committed at once. Within a transaction of the caller:

- PostgreSQL, MariaDB, MySQL: a connection of our own commits the UPDATE.
- A row that only the caller's transaction can see, because it was created there: the UPDATE is a
  part of that transaction. The mark in Redis stays until it is committed.
- SQLite, where no other connection can write until the transaction ends, and databases whose locks
  can't be limited: the UPDATE is a part of the transaction, and a thread runs it again afterwards.
  The mark in Redis stays until then.
- A ``TestCase``: the UPDATE is a part of the transaction, which is rolled back after the test.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.db import connections, models, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from swap_user.otp import audit
from swap_user.otp.after_commit import is_in_testcase
from swap_user.otp.authenticators import updates
from swap_user.otp.availability import (
    DATABASE_ERRORS,
    is_in_transaction,
    retry_conflicts,
    unavailable,
)
from swap_user.otp.background import failures, lifecycle
from swap_user.otp.background.calls import ProcessEnds
from swap_user.otp.verification.marks import Mark
from swap_user.otp.verification.own_connection import (
    Statement,
    UnclearCommit,
    can_limit,
    copied_settings,
    opened,
    own_connection,
)

# How long a thread tries to save the mark of a transaction that was rolled back, in seconds. Redis
# keeps the mark for longer.
_TRY_FOR = 600


def save(row: models.Model, update: Statement, mark: Mark) -> bool:
    """
    Run an UPDATE that records that a code is used, and return whether the code was unused.

    Args:
        row: the row that is updated.
        update: runs the UPDATE. It changes no row if the code is already used.
        mark: the mark in Redis.

    Raises:
        LoginUnavailable: a connection of our own could not save it.
        OperationalError: the connection of the caller could not save it.
    """
    connection = connections[router.db_for_write(type(row), instance=row)]
    if not is_in_transaction(connection):
        return retry_conflicts(partial(_run, connection, update))
    if is_in_testcase(connection.alias):
        return _run_in_transaction(connection, update, mark)
    if not can_limit(connection):
        return _run_in_transaction(connection, update, mark) and _run_later(
            connection, update, mark
        )
    try:
        changed = retry_conflicts(partial(_run_beside, connection, row, update))
    except UnclearCommit as error:
        mark.keep()
        raise unavailable(error) from error
    except DATABASE_ERRORS as error:
        mark.give_back()  # nothing is stored, so the visitor can try again
        raise unavailable(error) from error
    if changed is not None:
        return changed
    if not _run_in_transaction(connection, update, mark):
        return False
    if connection.in_atomic_block:
        transaction.on_commit(mark.settle, using=connection.alias, robust=True)
    return True


def _run(connection: BaseDatabaseWrapper, update: Statement) -> bool:
    with connection.cursor() as cursor:
        return update(connection, cursor)


def _run_in_transaction(connection: BaseDatabaseWrapper, update: Statement, mark: Mark) -> bool:
    """Run the UPDATE in the caller's transaction, which may be rolled back: Redis keeps it."""
    if not _run(connection, update):
        return False
    mark.keep()
    return True


def _run_beside(
    connection: BaseDatabaseWrapper, row: models.Model, update: Statement
) -> bool | None:
    """Run the UPDATE on a connection of our own. Return None if the row can't be seen there."""
    with own_connection(connection) as (own, cursor):
        # Asked first: MariaDB waits for the lock of a row even if it can't see that row.
        return update(own, cursor) if updates.is_visible(row, own, cursor) else None


def _run_later(connection: BaseDatabaseWrapper, update: Statement, mark: Mark) -> bool:
    """Run the UPDATE once more when the transaction of the caller has ended. Return True."""
    in_memory: Any = getattr(connection, "is_in_memory_db", lambda: False)
    if not in_memory():  # no other connection can write to it
        settings = copied_settings(connection, {})
        deadline = time.monotonic() + _TRY_FOR
        _Later(type(connection), settings, connection.alias, update, mark, deadline).submit()
    return True


@dataclass(frozen=True, slots=True)
class _Later:
    """
    A job that runs an UPDATE when the transaction of the caller has ended.

    Attributes:
        backend: the class of the connection.
        settings: the settings of the connection.
        alias: the alias of the database.
        update: runs the UPDATE.
        mark: the mark in Redis.
        deadline: when to give up, in seconds of time.monotonic().
    """

    backend: type[BaseDatabaseWrapper]
    settings: dict[str, Any] = field(repr=False)  # contains a password
    alias: str
    update: Statement
    mark: Mark
    deadline: float

    def submit(self) -> None:
        """Queue the job."""
        if reason := lifecycle.current().submit(
            self._run, lost=partial(_report, ProcessEnds.REASON)
        ):
            _report(reason)

    def _run(self) -> None:
        try:
            with opened(self.backend, self.settings, self.alias) as own:
                # It waits until the caller has ended, who holds a lock since the first UPDATE.
                _run(own, self.update)
        except Exception as error:  # noqa: BLE001 - the pool does not report it
            if isinstance(error, DATABASE_ERRORS) and time.monotonic() < self.deadline:
                self.submit()
            else:
                _report(failures.describe(error))
        else:
            self.mark.settle()


def _report(reason: str) -> None:
    audit.record(logging.ERROR, "use of a code not saved", kept_in="redis", reason=reason)
