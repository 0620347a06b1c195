"""What migrations do to the rows of an existing database. Only migrations call it."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from django.apps.registry import Apps
from django.core.management.base import CommandError
from django.db import models, router
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from swap_user.users.models import new_security_stamp
from swap_user.users.usernames import normalize_email

BATCH_SIZE = 1000

Operation = Callable[[Apps, BaseDatabaseSchemaEditor], None]


class EmailCollision(CommandError):
    """Accounts whose addresses differ in nothing but case or form."""


def normalize_emails(app_label: str, model_name: str) -> Operation:
    """
    Return an operation for RunPython that brings every ``email`` into its canonical form.

    The operation raises EmailCollision, before it writes anything, when two accounts would end
    up with one address.
    """

    def operation(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
        rows = _rows(apps, schema_editor, app_label, model_name)
        if rows is None:
            return
        # First look, then write: databases without transactional DDL could not take it back.
        _refuse_collisions(rows)
        for batch in _batches(rows.order_by("pk").values_list("pk", "email")):
            changed = [
                rows.model(pk=pk, email=normalize_email(email))
                for pk, email in batch
                if email != normalize_email(email)
            ]
            rows.bulk_update(changed, ["email"])

    return operation


def give_security_stamps(app_label: str, model_name: str) -> Operation:
    """Return an operation for RunPython that gives every row a security stamp of its own."""

    def operation(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
        rows = _rows(apps, schema_editor, app_label, model_name)
        if rows is None:
            return
        for batch in _batches(rows.order_by("pk").values_list("pk")):
            stamped = [rows.model(pk=pk, security_stamp=new_security_stamp()) for (pk,) in batch]
            rows.bulk_update(stamped, ["security_stamp"])

    return operation


def _rows(
    apps: Apps, schema_editor: BaseDatabaseSchemaEditor, app_label: str, model_name: str
) -> "models.QuerySet[Any] | None":
    model: Any = apps.get_model(app_label, model_name)
    alias = schema_editor.connection.alias
    # A model that another one is swapped for has no table.
    if model._meta.swapped or not router.allow_migrate_model(alias, model):
        return None
    rows: models.QuerySet[Any] = model._base_manager.using(alias)
    return rows


def _batches(rows: "models.QuerySet[Any, Any]") -> Iterator[list[Any]]:
    """Yield the rows of a queryset of tuples that begin with, and are ordered by, the pk."""
    # By pk rather than with one long cursor, which would be read while its rows are rewritten.
    batch = list(rows[:BATCH_SIZE])
    while batch:
        yield batch
        batch = list(rows.filter(pk__gt=batch[-1][0])[:BATCH_SIZE])


def _refuse_collisions(rows: "models.QuerySet[Any]") -> None:
    # Only rows that change can collide, with each other or with rows that stay. Memory is spent
    # on those alone.
    changing: dict[str, list[Any]] = defaultdict(list)
    for batch in _batches(rows.order_by("pk").values_list("pk", "email")):
        for pk, email in batch:
            if email != normalize_email(email):
                changing[normalize_email(email)].append(pk)
    changing_pks = {pk for pks in changing.values() for pk in pks}
    emails = list(changing)
    for start in range(0, len(emails), BATCH_SIZE):
        same = rows.filter(email__in=emails[start : start + BATCH_SIZE])
        for pk, email in same.values_list("pk", "email"):
            # A database that ignores case finds the changing rows themselves as well.
            if pk not in changing_pks:
                changing[email].append(pk)
    collisions = [sorted(pks) for pks in changing.values() if len(pks) > 1]
    if collisions:
        groups = "; ".join(", ".join(map(str, pks)) for pks in sorted(collisions))
        raise EmailCollision(
            f"These {rows.model._meta.label} accounts have the same email address but for its "
            f"case or form: primary keys {groups}. No address was changed. Keep one account of "
            "each group as it is, give the others another address or delete them, and migrate "
            "again."
        )
