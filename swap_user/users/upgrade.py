"""Data migrations: operations that change the rows of an existing database."""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from django.apps.registry import Apps
from django.core.management.base import CommandError
from django.db import connections, models, router, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from swap_user.users.usernames import normalize_email

BATCH_SIZE = 1000

# After how many rows the progress is printed.
_REPORT_EVERY = 100_000

Operation = Callable[[Apps, BaseDatabaseSchemaEditor], None]


class EmailCollision(CommandError):
    """Raised when the addresses of two users differ only in case or form."""


def normalize_emails(app_label: str, model_name: str) -> Operation:
    """
    Return an operation for RunPython that writes every ``email`` in its canonical form.

    The operation raises EmailCollision before it changes a row if two users would get the same
    address. It must not run in a transaction, which would lock the changed rows until its end.
    """

    def operation(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
        rows = _rows(apps, schema_editor, app_label, model_name)
        if rows is None:
            return
        # Check all rows before writing: not every database can roll a migration back.
        _refuse_collisions(rows)
        pks = rows.order_by("pk").values_list("pk", "email")
        done = 0
        for batch in _batches(pks):
            _normalize(rows, [pk for pk, email in batch if email != normalize_email(email)])
            done += len(batch)
            if done % _REPORT_EVERY == 0:
                sys.stdout.write(f"\n    {done:,} email addresses are in their canonical form…")
                sys.stdout.flush()

    return operation


def _normalize(rows: "models.QuerySet[Any]", pks: list[Any]) -> None:
    """Write the canonical form of the addresses of a batch of rows, in one short transaction."""
    if not pks:
        return
    with transaction.atomic(using=rows.db):
        batch = rows.filter(pk__in=pks)
        if connections[rows.db].features.has_select_for_update:
            # An address that its user changes meanwhile is not overwritten.
            batch = batch.select_for_update()
        changed = [
            rows.model(pk=pk, email=normalize_email(email))
            for pk, email in batch.values_list("pk", "email")
        ]
        rows.bulk_update(changed, ["email"])


def _rows(
    apps: Apps, schema_editor: BaseDatabaseSchemaEditor, app_label: str, model_name: str
) -> "models.QuerySet[Any] | None":
    model: Any = apps.get_model(app_label, model_name)
    alias = schema_editor.connection.alias
    # A model that is swapped out has no table.
    if model._meta.swapped or not router.allow_migrate_model(alias, model):
        return None
    rows: models.QuerySet[Any] = model._base_manager.using(alias)
    return rows


def _batches(rows: "models.QuerySet[Any, Any]") -> Iterator[list[Any]]:
    """Yield lists of rows. ``rows`` yields tuples that begin with the pk, ordered by it."""
    # One query per batch, because a single cursor would read rows while they are rewritten.
    batch = list(rows[:BATCH_SIZE])
    while batch:
        yield batch
        batch = list(rows.filter(pk__gt=batch[-1][0])[:BATCH_SIZE])


def _refuse_collisions(rows: "models.QuerySet[Any]") -> None:
    # Every collision contains a row that changes, because the addresses of unchanged rows are
    # unique. So only the rows that change are kept in memory.
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
            # With a collation that ignores case, the query also returns rows that change.
            if pk not in changing_pks:
                changing[email].append(pk)
    collisions = [sorted(pks) for pks in changing.values() if len(pks) > 1]
    if collisions:
        groups = "; ".join(", ".join(map(str, pks)) for pks in sorted(collisions))
        raise EmailCollision(
            f"The email addresses of these {rows.model._meta.label} users differ only in case or "
            f"form: primary keys {groups}. No address was changed. Keep one user of each group, "
            "give the others another address or delete them, and run migrate again."
        )
