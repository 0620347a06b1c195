"""
The database that is written, from which everything is read that decides a login (R44).

A replica may be behind: it may not know yet that a user was deactivated or that a code was used.
"""

from collections.abc import Iterator
from typing import Any, TypeVar

from django.db import models, router, transaction

ModelT = TypeVar("ModelT", bound=models.Model)


def written(model: type[ModelT]) -> "models.QuerySet[ModelT]":
    """Return all rows of ``model``, in the database to which the routers send its writes."""
    manager: Any = model._default_manager
    return manager.using(router.db_for_write(model))  # type: ignore[no-any-return]


def atomic(model: type[models.Model]) -> transaction.Atomic:
    """Return an atomic transaction of the database in which ``model`` is written."""
    return transaction.atomic(using=router.db_for_write(model))


def batches(rows: "models.QuerySet[ModelT]", size: int) -> Iterator[list[ModelT]]:
    """
    Yield the rows in lists, in the order of their primary keys.

    Each list is a query of its own, so that rows can be changed or deleted meanwhile.

    Args:
        rows: the rows, in any order.
        size: the number of rows in a list.
    """
    rows = rows.order_by("pk")
    batch = list(rows[:size])
    while batch:
        last = batch[-1].pk
        yield batch
        batch = list(rows.filter(pk__gt=last)[:size])
