"""
The one SELECT and the one UPDATE of a login, put into SQL once instead of at every login.

Django builds the SQL of a query anew whenever it runs. For these two that took longer than the
database does, see ``docs/topics/performance.md``. What they do, and to which rows, is the ORM's.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from django.contrib.auth import get_user_model
from django.db import connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Manager, QuerySet

from swap_user.models import Authenticator
from swap_user.users import lookup
from swap_user.users.usernames import username_field

_META: Any = Authenticator._meta


class _Select(NamedTuple):
    """The SELECT of a login, and what its columns are."""

    sql: str
    expressions: list[Any]
    own: list[str]
    users: list[str]
    converted: list[int]


def authenticators(name: str) -> list[Authenticator]:
    """
    Return the authenticators of the account of this name, each with its ``user``.

    Args:
        name: as ``swap_user.users.usernames.normalize`` gives it.
    """
    model = get_user_model()
    connection = connections[router.db_for_read(Authenticator)]
    select = _select(connection.alias, model)
    if select is None:
        users = lookup.named(name)
        return list(Authenticator.objects.select_related("user").filter(user__in=users))
    field = username_field(model)
    with connection.cursor() as cursor:
        cursor.execute(select.sql, [field.get_db_prep_value(name, connection)])
        rows = cursor.fetchall()
    converters = _converters(select, connection)
    return [_authenticator(row, select, converters, model, connection) for row in rows]


def build_missing_rows(rows: int, usual: int) -> None:
    """
    Make objects of rows that nobody has, as many as are missing to what is usual (R33).

    It takes as long as the database does.

    Args:
        rows: how many there were.
        usual: how many there are for most accounts.
    """
    model = get_user_model()
    connection = connections[router.db_for_read(Authenticator)]
    select, decoy = _select(connection.alias, model), _decoy(connection.alias, model)
    if select is None or decoy is None:
        return
    converters = _converters(select, connection)
    for _ in range(rows, usual):
        _authenticator(decoy, select, converters, model, connection)


def raise_mark(authenticator: Authenticator, counter: int, changes: Mapping[str, Any]) -> bool:
    """
    Save ``changes``, unless the mark stands at ``counter`` or above; say whether it was done.

    Args:
        authenticator: whose mark it is.
        counter: what must lie above the mark.
        changes: values by the names of fields.
    """
    connection = connections[router.db_for_write(Authenticator, instance=authenticator)]
    values = [*changes.items(), ("id", authenticator.pk), ("consumed", counter)]
    with connection.cursor() as cursor:
        cursor.execute(
            _update(connection.alias, tuple(changes)),
            [_META.get_field(name).get_db_prep_save(value, connection) for name, value in values],
        )
        return bool(cursor.rowcount)


def replace_secrets(changes: Iterable[tuple[Authenticator, str]]) -> None:
    """
    Save the secrets of many authenticators in one transaction.

    Args:
        changes: each with the ciphertext that is to be replaced. Where another one stands by now
            (a login has written it) it stays.
    """
    connection = connections[router.db_for_write(Authenticator)]
    primary_key = _META.get_field("id")
    rows = [
        (each.secret, primary_key.get_db_prep_save(each.pk, connection), stored)
        for each, stored in changes
    ]
    quoted = connection.ops.quote_name
    sql = (
        f"UPDATE {quoted(_META.db_table)} SET {quoted('secret')} = %s "  # noqa: S608
        f"WHERE {quoted('id')} = %s AND {quoted('secret')} = %s"
    )
    if rows:
        with transaction.atomic(connection.alias), connection.cursor() as cursor:
            cursor.executemany(sql, rows)


def _is_plain(model: type[Any]) -> bool:
    """Say whether the model lies in one table, and its manager shows all that is in it."""
    manager = model._default_manager
    return (
        not model._meta.parents
        and type(manager).get_queryset is Manager.get_queryset
        and type(manager.all()) is QuerySet
    )


@lru_cache(maxsize=8)
def _select(alias: str, model: type[Any]) -> _Select | None:
    """Return the SELECT, or None where only the ORM knows how to put it."""
    if not _is_plain(model):
        return None
    rows = Authenticator.objects.using(alias).select_related("user")
    rows = rows.filter(**{f"user__{model.USERNAME_FIELD}": ""})
    compiler = rows.query.get_compiler(alias)
    sql, parameters = compiler.as_sql()
    if parameters != ("",):
        return None
    expressions = [expression for expression, _, _ in compiler.select]
    own, users = (
        [each.target.attname for each in expressions if each.target.model is owner]
        for owner in (Authenticator, model)
    )
    connection = connections[alias]
    converted = [
        index
        for index, expression in enumerate(expressions)
        if _converters_of(expression, connection)
    ]
    return _Select(sql, expressions, own, users, converted)


@lru_cache(maxsize=8)
def _decoy(alias: str, model: Any) -> tuple[Any, ...] | None:
    """Return a row like those of the SELECT, of nobody; None where its values can't be made up."""
    select, connection = _select(alias, model), connections[alias]
    if select is None:
        return None
    nobody = {Authenticator: Authenticator(), model: model()}
    try:
        row = tuple(
            each.target.get_db_prep_save(
                getattr(nobody[each.target.model], each.target.attname), connection
            )
            for each in select.expressions
        )
        _authenticator(row, select, _converters(select, connection), model, connection)
    except Exception:  # noqa: BLE001 - fields of the project's own may refuse their own default
        return None
    return row


@lru_cache(maxsize=16)
def _update(alias: str, names: tuple[str, ...]) -> str:
    quoted = connections[alias].ops.quote_name
    columns = {name: quoted(_META.get_field(name).column) for name in (*names, "id", "consumed")}
    changes = ", ".join(f"{columns[name]} = %s" for name in names)
    return (
        f"UPDATE {quoted(_META.db_table)} SET {changes} "  # noqa: S608 - names of ours
        f"WHERE {columns['id']} = %s AND {columns['consumed']} < %s"
    )


def _converters(
    select: _Select, connection: BaseDatabaseWrapper
) -> list[tuple[int, Any, list[Any]]]:
    found = []
    for index in select.converted:
        expression = select.expressions[index]
        found.append((index, expression, _converters_of(expression, connection)))
    return found


def _converters_of(expression: Any, connection: BaseDatabaseWrapper) -> list[Any]:
    backend = connection.ops.get_db_converters(expression)
    return [*backend, *expression.get_db_converters(connection)]


def _authenticator(
    row: tuple[Any, ...],
    select: _Select,
    converters: list[tuple[int, Any, list[Any]]],
    model: type[Any],
    connection: BaseDatabaseWrapper,
) -> Authenticator:
    values = list(row)
    for index, expression, functions in converters:
        for convert in functions:
            values[index] = convert(values[index], expression, connection)
    split = len(select.own)
    authenticator = Authenticator.from_db(connection.alias, select.own, values[:split])
    authenticator.user = model.from_db(connection.alias, select.users, values[split:])
    return authenticator
