"""
The queries of a login.

The ORM compiles a query every time it runs it. For the SELECT and the UPDATE of a login, compiling
takes longer than running (``docs/topics/performance.md``), so this module stores their SQL.
``orm_select`` and ``orm_update`` are the same queries, written with the ORM. Tests compare both for
many user models.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import DateTimeField, Manager, QuerySet
from django.utils import timezone
from django.utils.functional import cached_property

from swap_user.models import Authenticator
from swap_user.users import lookup
from swap_user.users.databases import written
from swap_user.users.usernames import username_field

# Stands for the username. No lookup changes this value, so it can be found in the parameters.
_PLACEHOLDER = ""

Converters = list[tuple[int, Any, list[Any]]]

_META: Any = Authenticator._meta
_USER: Any = _META.get_field("user")


def orm_select(username: str) -> "QuerySet[Authenticator]":
    """
    Return the authenticators of the account with this username, each with its user.

    Args:
        username: the canonical username, see ``usernames.normalize()``.
    """
    rows = written(Authenticator)
    users = lookup.named(username).using(rows.db)
    return rows.select_related("user").filter(user__in=users)


class AuthenticatorQuery:
    """
    The SELECT of a login.

    Args:
        username: the canonical username, see ``usernames.normalize()``.
    """

    def __init__(self, username: str) -> None:
        self._username = username
        self._connection = connections[router.db_for_write(Authenticator)]
        self._columns = _columns(self._connection.alias, get_user_model())

    def run(self) -> list[Authenticator]:
        """Return the rows of ``orm_select``. It is compiled again only if its SQL may change."""
        if self._columns.sql is None:
            return list(orm_select(self._username))
        field = username_field(self._columns.model)
        value = field.get_db_prep_value(self._username, self._connection)
        with self._connection.cursor() as cursor:
            cursor.execute(self._columns.sql, [value])
            rows = cursor.fetchall()
        return [self._instance(row) for row in rows]

    def made_up_rows(self, number: int) -> list[Authenticator]:
        """
        Return new authenticators that are not in the database, each with a made-up user.

        Creating them takes as long as creating the authenticators of as many rows (R33).

        Args:
            number: the number of authenticators.
        """
        row = self._columns.made_up
        return [self._instance(row) for _ in range(number)] if row else []

    def _instance(self, row: tuple[Any, ...]) -> Authenticator:
        return self._columns.instance(row, self._converters, self._connection)

    @cached_property
    def _converters(self) -> Converters:
        return self._columns.converters(self._connection)


@dataclass(frozen=True, slots=True)
class _Columns:
    """
    The columns of the SELECT for one user model and database.

    Attributes:
        sql: the SELECT, whose only parameter is the username. None if the ORM must compile it
            each time, because a manager of the project may change the query at every call.
        expressions: the columns, as expressions of the ORM.
        own: names of the authenticator's fields. Their columns come first.
        model: the user model.
        users: names of the user's fields.
        converted: indexes of the columns whose values the ORM converts.
        made_up: a row with the same columns that belongs to no user. None if no instances can be
            created from it.
    """

    sql: str | None
    expressions: list[Any]
    own: list[str]
    model: Any
    users: list[str]
    converted: list[int]
    made_up: tuple[Any, ...] | None = None

    def converters(self, connection: BaseDatabaseWrapper) -> Converters:
        """Return the converters of each column in ``converted``, for this connection."""
        return [
            (index, self.expressions[index], _converters_of(self.expressions[index], connection))
            for index in self.converted
        ]

    def instance(
        self, row: tuple[Any, ...], converters: Converters, connection: BaseDatabaseWrapper
    ) -> Authenticator:
        """Return the authenticator of a row with its user, as the ORM does."""
        values = list(row)
        for index, expression, functions in converters:
            for convert in functions:
                values[index] = convert(values[index], expression, connection)
        split = len(self.own)
        authenticator = Authenticator.from_db(connection.alias, self.own, values[:split])
        user = self.model.from_db(connection.alias, self.users, values[split:])
        # As select_related() does.
        _USER.set_cached_value(authenticator, user)
        return authenticator


@lru_cache(maxsize=8)
def _columns(alias: str, model: Any) -> _Columns:
    connection = connections[alias]
    rows = Authenticator.objects.using(alias).select_related("user")
    compiler = rows.query.get_compiler(alias)
    compiler.as_sql()  # fills compiler.select
    expressions = [expression for expression, _, _ in compiler.select]
    names = [each.target.attname for each in expressions]
    split = len(Authenticator._meta.concrete_fields)
    columns = _Columns(
        sql=_kept_sql(rows, alias, model),
        expressions=expressions,
        own=names[:split],
        model=model,
        users=names[split:],
        converted=[
            index
            for index, expression in enumerate(expressions)
            if _converters_of(expression, connection)
        ],
    )
    row = _made_up_row(columns, connection)
    try:
        columns.instance(row, columns.converters(connection), connection)
    except Exception:  # noqa: BLE001 - a user model of the project may raise any exception
        return columns
    return replace(columns, made_up=row)


def _kept_sql(rows: "QuerySet[Authenticator]", alias: str, model: Any) -> str | None:
    """Return the SQL of ``orm_select``, or None if it may be different at the next call."""
    manager = model._default_manager
    if (
        type(manager).get_queryset is not Manager.get_queryset
        or type(manager.all()) is not QuerySet
    ):
        return None
    try:
        rows = rows.filter(**{f"user__{model.USERNAME_FIELD}": _PLACEHOLDER})
        sql, parameters = rows.query.get_compiler(alias).as_sql()
    except (TypeError, ValueError, ValidationError):
        return None  # The username is not a text field.
    return sql if parameters == (_PLACEHOLDER,) else None


def _made_up_row(columns: _Columns, connection: BaseDatabaseWrapper) -> tuple[Any, ...]:
    """Return a row of default values. A value that can't be converted is None."""
    blank = {True: Authenticator(), False: columns.model()}
    row: list[Any] = []
    for index, expression in enumerate(columns.expressions):
        field = expression.target
        try:
            value = getattr(blank[index < len(columns.own)], field.attname)
            if value is None and isinstance(field, DateTimeField):
                value = timezone.now()
            value = field.get_db_prep_save(value, connection)
            for convert in _converters_of(expression, connection):
                convert(value, expression, connection)
        except Exception:  # noqa: BLE001 - fields of the project may raise any exception
            value = None
        row.append(value)
    return tuple(row)


def _converters_of(expression: Any, connection: BaseDatabaseWrapper) -> list[Any]:
    backend = connection.ops.get_db_converters(expression)
    return [*backend, *expression.get_db_converters(connection)]
