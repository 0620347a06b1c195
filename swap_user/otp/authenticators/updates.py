"""
The UPDATEs of a login, and of many ciphertexts.

As with the SELECT, compiling an UPDATE takes longer than running it, so this module stores their
SQL. ``orm_update`` is the UPDATE of a login, written with the ORM. Tests compare both.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from django.db import connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.models import Model

from swap_user.models import Authenticator, RecoveryCode


def raise_mark(
    authenticator: Authenticator,
    counter: int,
    changes: Mapping[str, Any],
    connection: BaseDatabaseWrapper,
    cursor: CursorWrapper,
) -> bool:
    """
    Run the query of ``orm_update`` without compiling it, and return whether a row was changed.

    Args:
        authenticator: the authenticator whose counter is consumed.
        counter: the counter to consume.
        changes: the new values by field name, which include ``consumed``.
        connection: the connection to the database that is written.
        cursor: a cursor of it.
    """
    values = [*changes.items(), ("id", authenticator.pk), ("consumed", counter)]
    sql = _kept_update(connection.vendor, connection.alias, Authenticator, tuple(changes))
    cursor.execute(sql, _prepared(Authenticator, values, connection))
    return bool(cursor.rowcount)


def use_recovery_code(
    row: RecoveryCode,
    changes: Mapping[str, Any],
    connection: BaseDatabaseWrapper,
    cursor: CursorWrapper,
) -> bool:
    """
    Save ``changes`` if the recovery code is unused, and return whether a row was changed.

    Args:
        row: the recovery code.
        changes: the new values by field name, which include ``used_at``.
        connection: the connection to the database that is written.
        cursor: a cursor of it.
    """
    values = [*changes.items(), ("id", row.pk)]
    sql = _kept_update(connection.vendor, connection.alias, RecoveryCode, tuple(changes))
    cursor.execute(sql, _prepared(RecoveryCode, values, connection))
    return bool(cursor.rowcount)


def is_visible(row: Model, connection: BaseDatabaseWrapper, cursor: CursorWrapper) -> bool:
    """
    Return whether a connection sees a row, which another transaction may not have committed yet.

    Args:
        row: an authenticator or a recovery code.
        connection: the connection.
        cursor: a cursor of it.
    """
    quoted = connection.ops.quote_name
    table = quoted(type(row)._meta.db_table)
    (pk,) = _prepared(type(row), [("id", row.pk)], connection)
    cursor.execute(
        f"SELECT 1 FROM {table} WHERE {quoted('id')} = %s",  # noqa: S608 - no user input
        [pk],
    )
    return cursor.fetchone() is not None


def orm_update(authenticator: Authenticator, counter: int, changes: Mapping[str, Any]) -> int:
    """Save ``changes`` if ``consumed`` is below ``counter``. Return the number of changed rows."""
    rows = Authenticator.objects.filter(pk=authenticator.pk, consumed__lt=counter)
    return rows.update(**changes)


# Added to the WHERE of the UPDATE that consumes a row, after its id.
_UNUSED = {Authenticator: ("consumed", " < %s"), RecoveryCode: ("used_at", " IS NULL")}


@lru_cache(maxsize=16)
def _kept_update(vendor: str, alias: str, model: type[Model], names: tuple[str, ...]) -> str:
    quoted = connections[alias].ops.quote_name
    meta = model._meta
    changes = ", ".join(f"{quoted(_column(model, name))} = %s" for name in names)
    unused, condition = _UNUSED[model]
    return (
        f"UPDATE {quoted(meta.db_table)} SET {changes} "  # noqa: S608 - no user input
        f"WHERE {quoted('id')} = %s AND {quoted(unused)}{condition}"
    )


def _column(model: type[Model], name: str) -> str:
    field: Any = model._meta.get_field(name)
    return str(field.column)


def _prepared(
    model: type[Model], values: Iterable[tuple[str, Any]], connection: BaseDatabaseWrapper
) -> list[Any]:
    fields: Any = model._meta
    return [fields.get_field(name).get_db_prep_save(value, connection) for name, value in values]


def replace_ciphertexts(
    model: type[Model], field: str, changes: Iterable[tuple[Model, str]]
) -> None:
    """
    Save the ciphertexts of many rows in one transaction.

    Args:
        model: the model of the rows.
        field: the name of the field with the ciphertext.
        changes: rows with a new ciphertext, each with the text that it replaces. A row that was
            changed by another request is not updated.
    """
    connection = connections[router.db_for_write(model)]
    quoted = connection.ops.quote_name
    meta: Any = model._meta
    pk, column = quoted(meta.pk.column), quoted(_column(model, field))
    sql = (
        f"UPDATE {quoted(meta.db_table)} SET {column} = %s "  # noqa: S608 - as above
        f"WHERE {pk} = %s AND {column} = %s"
    )
    rows = [
        (getattr(each, field), meta.pk.get_db_prep_save(each.pk, connection), replaced)
        for each, replaced in changes
    ]
    # All rows in one call: SQLite blocks other writers until the transaction ends.
    if rows:
        with transaction.atomic(connection.alias), connection.cursor() as cursor:
            cursor.executemany(sql, rows)
