"""
The queries of a login.

The ORM compiles a query every time it runs it. For the SELECT and the UPDATE of a login, compiling
takes longer than running (``docs/topics/performance.md``), so this module stores their SQL.
``orm_select`` and ``orm_update`` are the same queries, written with the ORM. Tests compare both for
many user models.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import DateTimeField, Manager, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.functional import cached_property

from swap_user.models import Authenticator, KnownBrowser, WrongGuess
from swap_user.users import lookup
from swap_user.users.databases import written
from swap_user.users.usernames import username_field

# They stand for the parameters of the query. No lookup changes these values, so they can be found
# in the parameters of the compiled query.
_USERNAME, _BROWSER, _SINCE = "", "-", -7

Converters = list[tuple[int, Any, list[Any]]]

_META: Any = Authenticator._meta
_USER: Any = _META.get_field("user")


def orm_select(username: str, *, browser: str, since: int) -> "QuerySet[Authenticator]":
    """
    Return the authenticators of the account with this username, each with its user.

    Each row has these attributes too:

    - ``stranger_units`` and ``known_units``: how much the account's wrong guesses weigh.
    - ``browser_seen_at``: the last login of this user in the visitor's browser, or None.

    Without a browser, ``known_units`` is 0, because it does not count: PostgreSQL plans the query
    each time, and each subquery takes it a tenth of a millisecond.

    Args:
        username: the canonical username, see ``usernames.normalize()``.
        browser: the hash of the browser, or "".
        since: Unix time in seconds after which a wrong guess counts.
    """
    rows = written(Authenticator)
    users = lookup.named(username).using(rows.db)
    return _counted(rows, browser, since).filter(user__in=users)


def _counted(
    rows: "QuerySet[Authenticator]", browser: str, since: int
) -> "QuerySet[Authenticator]":
    own = {"user_id": OuterRef("user_id")}
    guesses = WrongGuess.objects.using(rows.db).filter(**own, at__gt=since)
    browsers = KnownBrowser.objects.using(rows.db).filter(**own, browser=browser)
    strangers, known = (
        guesses.filter(is_known=is_known)
        .values("user_id")
        .annotate(total=Sum("units"))
        .values("total")
        for is_known in (False, True)
    )
    never = Value(None, DateTimeField())
    return rows.select_related("user").annotate(
        stranger_units=Coalesce(Subquery(strangers), 0),
        known_units=Coalesce(Subquery(known), 0) if browser else Value(0),
        browser_seen_at=Subquery(browsers.values("logged_in_at")) if browser else never,
    )


class AuthenticatorQuery:
    """
    The SELECT of a login.

    Args:
        username: the canonical username, see ``usernames.normalize()``.
        browser: the hash of the browser, or "".
        since: Unix time in seconds after which a wrong guess counts.
    """

    def __init__(self, username: str, *, browser: str, since: int) -> None:
        self._username, self._browser, self._since = username, browser, since
        self._connection = connections[router.db_for_write(Authenticator)]
        self._columns = _columns(self._connection.alias, get_user_model(), bool(browser))

    def run(self) -> list[Any]:
        """Return the rows of ``orm_select``. It is compiled again only if its SQL may change."""
        if self._columns.sql is None:
            return list(orm_select(self._username, browser=self._browser, since=self._since))
        field = username_field(self._columns.model)
        value = field.get_db_prep_value(self._username, self._connection)
        given = {_USERNAME: value, _BROWSER: self._browser, _SINCE: self._since}
        with self._connection.cursor() as cursor:
            cursor.execute(
                self._columns.sql, [given.get(each, each) for each in self._columns.parameters]
            )
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
    The columns of the SELECT for one user model and database, with or without a browser.

    Attributes:
        sql: the SELECT. None if the ORM must compile it each time, because a manager of the project
            may change the query at every call.
        parameters: the parameters of ``sql``. Some of them stand for those of a call.
        expressions: the columns, as expressions of the ORM.
        own: names of the authenticator's fields. Their columns come first.
        counted: indexes of the columns that are not fields, by their names.
        model: the user model.
        users: names of the user's fields. Their columns come last.
        converted: indexes of the columns whose values the ORM converts.
        made_up: a row with the same columns that belongs to no user. None if no instances can be
            created from it.
    """

    sql: str | None
    parameters: tuple[Any, ...]
    expressions: list[Any]
    own: list[str]
    counted: Mapping[str, int]
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
        for name, index in self.counted.items():
            setattr(authenticator, name, values[index])
        last = values[split + len(self.counted) :]
        user = self.model.from_db(connection.alias, self.users, last)
        # As select_related() does.
        _USER.set_cached_value(authenticator, user)
        return authenticator


@lru_cache(maxsize=16)
def _columns(alias: str, model: Any, has_browser: bool) -> _Columns:
    connection = connections[alias]
    browser = _BROWSER if has_browser else ""
    rows = _counted(Authenticator.objects.using(alias), browser, _SINCE)
    compiler: Any = rows.query.get_compiler(alias)
    compiler.as_sql()  # fills compiler.select
    expressions = [expression for expression, _, _ in compiler.select]
    split = len(Authenticator._meta.concrete_fields)
    counted = dict(compiler.annotation_col_map)
    sql, parameters = _kept_sql(rows, alias, model, has_browser=has_browser)
    columns = _Columns(
        sql=sql,
        parameters=parameters,
        expressions=expressions,
        own=[each.target.attname for each in expressions[:split]],
        counted=counted,
        model=model,
        users=[each.target.attname for each in expressions[split + len(counted) :]],
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


def _kept_sql(
    rows: "QuerySet[Authenticator]", alias: str, model: Any, *, has_browser: bool
) -> tuple[str | None, tuple[Any, ...]]:
    """Return the SQL of ``orm_select``, or None if it may be different at the next call."""
    manager = model._default_manager
    if (
        type(manager).get_queryset is not Manager.get_queryset
        or type(manager.all()) is not QuerySet
    ):
        return None, ()
    try:
        rows = rows.filter(**{f"user__{model.USERNAME_FIELD}": _USERNAME})
        sql, parameters = rows.query.get_compiler(alias).as_sql()
    except (TypeError, ValueError, ValidationError):
        return None, ()  # The username is not a text field.
    stand_ins = [each for each in parameters if each in (_USERNAME, _BROWSER, _SINCE)]
    expected = [_USERNAME, _BROWSER, _SINCE, _SINCE] if has_browser else [_USERNAME, _SINCE]
    found = sorted(stand_ins, key=str) == expected
    return (sql, tuple(parameters)) if found else (None, ())


def _made_up_row(columns: _Columns, connection: BaseDatabaseWrapper) -> tuple[Any, ...]:
    """Return a row of default values. A value that can't be converted is None."""
    blank = {True: Authenticator(), False: columns.model()}
    row: list[Any] = []
    for index, expression in enumerate(columns.expressions):
        if index in columns.counted.values():
            row.append(None if isinstance(expression.output_field, DateTimeField) else 0)
            continue
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
