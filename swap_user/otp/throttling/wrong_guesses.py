"""
The wrong guesses of a year, in the database.

A wrong guess is stored before the visitor gets the answer, on a connection of our own if the caller
is in a transaction. The same statement stores the guesses that need not be stored, such as those
for usernames without an account: they overwrite one of a fixed number of rows, so that they take
the same time and the table stays small (R33, R48).
"""

import random
import time
import uuid
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet, Sum

from swap_user.models import WrongGuess
from swap_user.otp.availability import is_in_transaction
from swap_user.otp.durable import statements
from swap_user.otp.durable.after_commit import is_in_testcase
from swap_user.otp.durable.own_connection import can_limit, may_see_old_rows, own_connection
from swap_user.otp.durable.upsert import upsert
from swap_user.otp.store.budgets import DAY, YEAR
from swap_user.otp.throttling import messages
from swap_user.otp.throttling.guesses import Attempt, Counted
from swap_user.users.databases import written

# The number of rows without a user. Requests that write the same row at the same time wait for
# each other, so there are more rows than any site has requests at a time.
_MADE_UP = 1024

# The largest number that the column holds on every database.
_MOST_UNITS = 32_767


def store(attempt: Attempt, user_pk: Any, units: int) -> None:
    """
    Store a wrong guess, and end the attempt.

    Args:
        attempt: the attempt, whose code is short.
        user_pk: primary key of the user whose codes the guess was compared with. None if it was
            compared with no code, so that it need not be counted.
        units: the units of the guess.

    Raises:
        LoginUnavailable: the guess can't be stored, or Redis can't be reached.
    """
    row = WrongGuess(
        id=uuid.UUID(int=random.randrange(_MADE_UP)) if user_pk is None else uuid.uuid4(),  # noqa: S311
        user_id=user_pk,
        at=attempt.now,
        units=min(units, _MOST_UNITS),
        is_known=attempt.is_known,
    )
    alias = router.db_for_write(WrongGuess)
    place = replace(attempt.place, counts=user_pk is not None)
    statements.run(alias, partial(upsert, row), place)
    if _is_committed(connections[alias]):
        attempt.place.settle()


def _is_committed(connection: BaseDatabaseWrapper) -> bool:
    """Return whether a guess that was stored now is committed: see ``statements.run()``."""
    is_settled = can_limit(connection) or not is_in_transaction(connection)
    return is_settled or is_in_testcase(connection.alias)


def committed(seen: Counted, user_pk: Any, *, now: int) -> Counted:
    """
    Return what counts for an account, also if the caller reads from an older snapshot.

    Args:
        seen: what the caller reads.
        user_pk: primary key of the owner, or None if there is no account.
        now: Unix time in seconds.
    """
    connection = connections[router.db_for_write(WrongGuess)]
    if not is_in_transaction(connection) or is_in_testcase(connection.alias):
        return seen
    if not can_limit(connection) or not may_see_old_rows(connection):
        return seen
    with own_connection(connection) as (own, cursor):
        cursor.execute(*_sums(user_pk, now).query.get_compiler(connection=own).as_sql())
        return _counted(cursor.fetchall())


def counted(user: Any, *, now: int) -> Counted:
    """
    Return what counts for an account. A login reads the same with its SELECT.

    Args:
        user: the owner of the account.
        now: Unix time in seconds.
    """
    return _counted(_sums(user.pk, now))


def _sums(user_pk: Any, now: int) -> "QuerySet[WrongGuess, tuple[bool, int]]":
    rows = written(WrongGuess).filter(user_id=user_pk, at__gt=now - YEAR)
    return rows.order_by().values_list("is_known").annotate(Sum("units"))


def _counted(sums: Iterable[tuple[bool, int]]) -> Counted:
    by_browser = dict(sums)
    return Counted(strangers=by_browser.get(False, 0), known=by_browser.get(True, 0))


def of_user(user: Any) -> "QuerySet[WrongGuess]":
    """Return the wrong guesses at an account that count."""
    return written(WrongGuess).filter(user_id=user.pk, at__gt=int(time.time()) - YEAR)


def forget(user: Any) -> None:
    """Delete the wrong guesses of unknown browsers at an account."""
    written(WrongGuess).filter(user_id=user.pk, is_known=False).delete()


def forget_known(user: Any) -> None:
    """Delete those of known browsers. Call it when all of them are revoked."""
    written(WrongGuess).filter(user_id=user.pk, is_known=True).delete()


def prune(user_pk: Any = None) -> int:
    """
    Delete the wrong guesses that do not count any more, and return their number.

    Args:
        user_pk: primary key of a user, or None for all users.

    Raises:
        LoginUnavailable: Redis can't be reached. Its clock says what counts: a server whose own
            clock is ahead would delete the others.
    """
    # A day more is kept, because the clock of another Redis server may be behind.
    last = messages.server_time() - YEAR - DAY
    rows = written(WrongGuess).filter(user__isnull=False, at__lt=last)
    deleted, _ = (rows if user_pk is None else rows.filter(user_id=user_pk)).delete()
    return deleted
