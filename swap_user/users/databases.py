"""
The database that is written, from which everything is read that decides a login (R44).

A replica may be behind: it may not know yet that a user was deactivated or that a code was used.
"""

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
