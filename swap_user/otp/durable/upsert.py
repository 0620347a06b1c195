"""An INSERT that replaces the row with the same primary key. Its SQL is compiled once."""

from functools import lru_cache
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.models import Model
from django.db.models.constants import OnConflict


def upsert(row: Model, connection: BaseDatabaseWrapper, cursor: CursorWrapper) -> bool:
    """
    Insert a row, or replace the row with its primary key. Return True.

    Args:
        row: the instance, with a primary key.
        connection: the connection to the database that is written.
        cursor: a cursor of it.
    """
    fields: Any = row._meta.concrete_fields
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
    cursor.execute(_sql(connection.vendor, connection.alias, type(row)), values)
    return True


@lru_cache(maxsize=8)
def _sql(vendor: str, alias: str, model: type[Model]) -> str:
    operations: Any = connections[alias].ops
    meta: Any = model._meta
    columns = [field.column for field in meta.concrete_fields]
    suffix = operations.on_conflict_suffix_sql(
        meta.concrete_fields,
        OnConflict.UPDATE,
        [column for column in columns if column != meta.pk.column],
        [meta.pk.column],
    )
    names = ", ".join(map(operations.quote_name, columns))
    values = ", ".join(["%s"] * len(columns))
    table = operations.quote_name(meta.db_table)
    return f"INSERT INTO {table} ({names}) VALUES ({values}) {suffix}"  # noqa: S608 - no user input
