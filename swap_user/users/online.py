"""
Operations for migrations of large tables, while users log in.

On PostgreSQL, a statement that changes a table waits for its lock, and all later logins wait behind
it. So each attempt waits for less than a second, and is repeated. A unique index is built without
a lock that logins wait for. Migrations that use these operations have ``atomic = False``.
"""

import time
from collections.abc import Callable
from copy import copy
from typing import Any

from django.core.management.base import CommandError
from django.db import OperationalError, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddConstraint, AddField
from django.db.migrations.operations.base import Operation
from django.db.models import NOT_PROVIDED

# How long an attempt waits for a lock, and how long the pause between attempts is, in seconds.
LOCK_TIMEOUT = 0.5
PAUSE = 1.0

# About ten minutes.
ATTEMPTS = 400


class LockedTable(CommandError):
    """Raised when other transactions have kept a table locked for ten minutes."""


class AddNullColumn(AddField):
    """
    ``AddField`` of a column that is NULL in all existing rows, whatever the default of new ones.

    No row is written, so the table is locked for a moment only.
    """

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Add the column without a default."""
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        before = from_state.apps.get_model(app_label, self.model_name)
        field = copy(model._meta.get_field(self.name))
        field.default = NOT_PROVIDED
        _briefly(schema_editor, lambda: schema_editor.add_field(before, field))


class DropNotNull(Operation):
    """
    Allow NULL in a column that an earlier form of the app's migrations did not.

    Args:
        model_name: name of the model, in which the field has ``null=True``.
        name: name of the field.
    """

    reversible = True

    def __init__(self, model_name: str, name: str) -> None:
        self.model_name = model_name
        self.name = name

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Do nothing: the state allows NULL already."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Change the column, if it does not allow NULL."""
        model = to_state.apps.get_model(app_label, self.model_name)
        connection = schema_editor.connection
        if not self.allow_migrate_model(connection.alias, model):
            return
        field = model._meta.get_field(self.name)
        with connection.cursor() as cursor:
            columns = connection.introspection.get_table_description(cursor, model._meta.db_table)
        if any(column.name == field.column and not column.null_ok for column in columns):
            strict = copy(field)
            strict.null = False
            _briefly(schema_editor, lambda: schema_editor.alter_field(model, strict, field))

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Do nothing: the version before can't tell the difference."""

    def describe(self) -> str:
        """Return what ``migrate --plan`` prints."""
        return f"Allow NULL in {self.model_name}.{self.name}"


class AddUniqueConstraint(AddConstraint):
    """
    ``AddConstraint`` of a unique index, which PostgreSQL builds while rows are written.

    An index that an interrupted run has left behind is built again.
    """

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Create the index."""
        model = to_state.apps.get_model(app_label, self.model_name)
        connection = schema_editor.connection
        if not self.allow_migrate_model(connection.alias, model):
            return
        sql = str(self.constraint.create_sql(model, schema_editor) or "")
        start = "CREATE UNIQUE INDEX "
        is_online = connection.vendor == "postgresql" and not connection.in_atomic_block
        if not is_online or not sql.startswith(start) or schema_editor.collect_sql:
            schema_editor.add_constraint(model, self.constraint)
            return
        name = schema_editor.quote_name(self.constraint.name)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [name]
            )
            found = cursor.fetchone()
        if found == (True,):
            return
        if found:
            schema_editor.execute(f"DROP INDEX CONCURRENTLY {name}", params=None)
        online = f"{start}CONCURRENTLY {sql.removeprefix(start)}"
        schema_editor.execute(online, params=None)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Drop the index."""
        _briefly(
            schema_editor,
            lambda: super(AddUniqueConstraint, self).database_backwards(
                app_label, schema_editor, from_state, to_state
            ),
        )


def _briefly(schema_editor: BaseDatabaseSchemaEditor, step: Callable[[], Any]) -> None:
    """
    Change a table in a transaction of its own that does not wait long for its lock.

    Raises:
        LockedTable: the table was locked in all attempts.
    """
    connection: Any = schema_editor.connection
    editor: Any = schema_editor
    if editor.collect_sql or connection.in_atomic_block or not connection.features.can_rollback_ddl:
        step()
        return
    if connection.vendor != "postgresql":
        with transaction.atomic(using=connection.alias):
            step()
        return
    for _ in range(ATTEMPTS):
        try:
            with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{int(LOCK_TIMEOUT * 1000)}ms'")
                step()
                return
        except OperationalError as error:
            if not _is_lock_timeout(error):
                raise
        time.sleep(PAUSE)
    raise LockedTable(
        "Other transactions keep the table locked. Nothing was changed. End them, for example a "
        "backup or a report that has run for a long time, and run migrate again."
    )


def _is_lock_timeout(error: Exception) -> bool:
    """Return whether PostgreSQL ended a statement because of ``lock_timeout`` (55P03)."""
    cause: Any = error.__cause__
    code = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    return bool(code == "55P03")
