"""A second connection: what it may wait for, what it sees, and what a failed commit means."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction

from swap_user.otp.durable import own_connection as module
from swap_user.otp.durable.own_connection import UnclearCommit, may_see_old_rows, own_connection

on_servers = pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no server")
transactional = pytest.mark.django_db(transaction=True)


class Conflict(Exception):
    """What a driver raises when two transactions are in conflict."""

    sqlstate = "40001"


class Lost(Exception):
    """What a driver raises when the connection is lost."""

    sqlstate = "08006"


@pytest.mark.parametrize(("cause", "is_unclear"), [(Conflict(), False), (Lost(), True)])
def test_a_commit_fails(cause: Exception, is_unclear: bool) -> None:
    """After a conflict nothing is stored. After a lost connection the rows may be stored."""

    def commit() -> None:
        raise OperationalError("the driver's text") from cause

    own: Any = SimpleNamespace(commit=commit)
    with pytest.raises(OperationalError, match="the driver's text") as raised:
        module._commit(own)
    assert isinstance(raised.value, UnclearCommit) == is_unclear


@on_servers
@transactional
def test_it_waits_for_two_seconds_at_most() -> None:
    """For a lock of a row, and for one of a table."""
    asked = {
        "postgresql": "SHOW lock_timeout",
        "mysql": "SELECT @@innodb_lock_wait_timeout, @@lock_wait_timeout",
    }
    expected = {"postgresql": ("2s",), "mysql": (2, 2)}
    with own_connection(connections["default"]) as (_, cursor):
        cursor.execute(asked[connection.vendor])
        assert cursor.fetchone() == expected[connection.vendor]


@on_servers
@transactional
def test_it_sees_what_is_committed() -> None:
    """READ COMMITTED, whatever the project has configured."""
    asked = {
        "postgresql": "SHOW transaction_isolation",
        "mysql": "SELECT @@transaction_isolation"
        if not getattr(connection, "mysql_is_mariadb", False)
        else "SELECT @@tx_isolation",
    }
    with own_connection(connections["default"]) as (_, cursor):
        cursor.execute(asked[connection.vendor])
        (level,) = cursor.fetchone()
    assert level.lower().replace("-", " ") == "read committed"


@pytest.mark.postgres
@transactional
def test_it_has_the_schema_of_the_caller() -> None:
    """A tenant's schema is set for a transaction, or for a connection."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL search_path = 'tenant', 'public'")
        with own_connection(connections["default"]) as (_, cursor):
            cursor.execute("SHOW search_path")
            assert cursor.fetchone() == ("tenant, public",)


@pytest.mark.parametrize(
    ("configured", "seconds"), [(None, 2), (0, 2), (-1, 2), (1, 1), ("1", 1), (2, 2), (30, 2)]
)
@pytest.mark.parametrize("vendor", ["postgresql", "mysql"])
def test_how_long_it_waits_for_the_server(
    vendor: str, configured: int | str | None, seconds: int
) -> None:
    """Two seconds, or less if the project says so. 0 means no limit."""
    given = {} if configured is None else {"connect_timeout": configured}
    live: Any = SimpleNamespace(settings_dict={"OPTIONS": given})
    assert module._connect_timeout(live) == {"connect_timeout": seconds}


class Live:
    """A connection whose isolation level was configured, and perhaps changed by the caller."""

    def __init__(
        self, vendor: str, configured: object, *, current: str = "", is_open: bool = True
    ) -> None:
        self.vendor, self.isolation_level, self._current = vendor, configured, current
        self.connection, self.autocommit, self.in_atomic_block = object(), not is_open, is_open

    def cursor(self) -> Any:
        assert self._current, "the server may not be asked"
        return self

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def execute(self, sql: str) -> None:
        assert sql == "SHOW transaction_isolation"

    def fetchone(self) -> tuple[str]:
        return (self._current,)


REPEATABLE = SimpleNamespace(name="REPEATABLE_READ")
COMMITTED = SimpleNamespace(name="READ_COMMITTED")


@pytest.mark.parametrize(
    ("live", "may"),
    [
        (Live("postgresql", COMMITTED, current="read committed"), False),
        (Live("postgresql", COMMITTED, current="read uncommitted"), False),
        (Live("postgresql", COMMITTED, current="repeatable read"), True),
        (Live("postgresql", COMMITTED, current="serializable"), True),
        (Live("postgresql", REPEATABLE, current="read committed"), True),
        (Live("postgresql", COMMITTED, is_open=False), False),
        (Live("postgresql", REPEATABLE, is_open=False), True),
        (Live("mysql", "read committed"), False),
        (Live("mysql", "read uncommitted"), False),
        (Live("mysql", "repeatable read"), True),
        (Live("mysql", None), True),  # the server's own, which is REPEATABLE READ by default
    ],
)
def test_who_may_see_old_rows(live: Any, may: bool) -> None:
    """At REPEATABLE READ and above, a transaction keeps the snapshot of its first query."""
    assert may_see_old_rows(live) == may
