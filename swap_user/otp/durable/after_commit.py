"""Call a function after the transaction of a database has been committed."""

from collections.abc import Callable
from typing import Any

from django.db import connections, transaction


def after_commit(step: Callable[[], Any], alias: str) -> None:
    """
    Call ``step`` after the open transaction of a database is committed, or now if none is open.

    After a rollback, ``step`` is not called. The transaction of a ``TestCase`` is never committed,
    so ``step`` is called at once there, within a savepoint.

    Args:
        step: the function. An exception in it is raised, or logged if a transaction was open.
        alias: a key of DATABASES.
    """
    # on_commit() alone would open a connection, which the request may not need.
    if not connections[alias].in_atomic_block:
        step()
    elif is_in_testcase(alias):
        with transaction.atomic(using=alias):
            step()
    else:
        transaction.on_commit(step, using=alias, robust=True)


def is_in_testcase(alias: str) -> bool:
    """Return whether the outermost transaction is that of a ``TestCase``."""
    blocks = connections[alias].atomic_blocks
    return bool(blocks) and bool(getattr(blocks[0], "_from_testcase", False))
