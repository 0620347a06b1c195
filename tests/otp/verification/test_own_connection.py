"""The connection of our own: beside a full pool, closed at once, counted (R43)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.backends.signals import connection_created
from django.test.utils import CaptureQueriesContext

from swap_user.models import WrongGuess
from swap_user.otp import LoginUnavailable
from swap_user.otp.crypto import hotp
from swap_user.otp.durable import own_connection
from swap_user.users import lookup
from tests.otp.verification.test_consumption import race
from tests.support import IDENTIFYING, RFC_SECRET, aenter, enter, give, make_user, username, visitor

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.requirement("R43"),
    pytest.mark.usefixtures("clock"),
]

on_servers = pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no server")


def counter(number: int) -> str:
    return hotp.code_at(RFC_SECRET, number)


@pytest.fixture
def opened() -> Iterator[list[Any]]:
    """The connections that are opened."""
    seen: list[Any] = []

    def receiver(connection: Any, **kwargs: Any) -> None:
        seen.append(connection)

    connection_created.connect(receiver)
    yield seen
    connection_created.disconnect(receiver)


def test_without_a_transaction_there_is_none(user, opened):
    """One UPDATE on the connection of the request, as always."""
    give(user, "hotp")
    lookup.identify(username())  # the first one asks the database how it compares names
    with CaptureQueriesContext(connection) as queries:
        assert enter(None, counter(0)) == user
    kinds = [query["sql"].split()[0] for query in queries]
    assert kinds[IDENTIFYING:] == ["SELECT", "UPDATE"]
    assert opened == []


@on_servers
def test_in_a_transaction_there_is_one(user, opened):
    """It is closed when the login is done, and the transaction holds no lock of the row."""
    give(user, "hotp")
    with transaction.atomic():
        with CaptureQueriesContext(connection) as queries:
            assert enter(None, counter(0)) == user
        (own,) = opened
        assert own.connection is None
        assert own is not connection
        row = user.otp_authenticators.select_for_update(nowait=True).get()
        assert row.consumed == 0
    # PostgreSQL is also asked for the isolation level, because an old snapshot lacks wrong guesses,
    # and for the search path, so that a tenant's schema is used.
    extra = ["SHOW", "SHOW"] if connection.vendor == "postgresql" else []
    kinds = [query["sql"].split()[0] for query in queries]
    assert kinds[IDENTIFYING:] == ["SELECT", *extra]


@on_servers
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # PyMySQL's socket
def test_no_connection_can_be_had(user, monkeypatch, caplog):
    """Refused, said, and not accepted: the next code is, once there is a connection again."""
    give(user, "hotp")
    with monkeypatch.context() as patch:
        options = {"connect_timeout": 2}
        limits = {vendor: lambda live: (options, lambda cursor: None) for vendor in LIMITS}
        patch.setattr(own_connection, "_LIMITS", limits)
        with transaction.atomic():
            connection.ensure_connection()
            patch.setitem(connection.settings_dict, "HOST", "/nowhere")
            with pytest.raises(LoginUnavailable):
                enter(None, counter(0))
    assert "login unavailable: server=database" in caplog.text
    assert enter(None, counter(1)) == user


LIMITS = ("postgresql", "mysql")


@on_servers
def test_from_async_code_in_a_transaction(user, opened):
    """``aauthenticate`` does the same, in the thread of the transaction."""
    give(user, "hotp")
    with transaction.atomic():
        assert aenter(None, counter(0)) == user
        transaction.set_rollback(True)
    assert len(opened) == 1
    assert enter(None, counter(0)) is None


@pytest.fixture(params=[1, 2])
def pool(request) -> Iterator[int]:
    """Django's pool of PostgreSQL connections, of one or two."""
    pytest.importorskip("psycopg_pool")
    size = request.param
    options = connection.settings_dict["OPTIONS"]
    connection.close()
    options["pool"] = {"min_size": 1, "max_size": size, "timeout": 20}
    yield size
    connection.close()
    connection.close_pool()
    del options["pool"]


@pytest.mark.postgres
def test_a_pool_that_the_callers_have_used_up(user, pool):
    """Each login in a transaction holds one connection of the pool, and waits for no second."""
    give(user, "hotp")
    for number in range(2, 6):
        give(make_user(number), "hotp")
    together = threading.Barrier(pool)

    def log_in(number: int) -> Any:
        with transaction.atomic():
            connection.ensure_connection()
            if number <= pool:
                together.wait()  # all connections of the pool are held
            found = enter(None, counter(0), username(number))
            transaction.set_rollback(True)
        connection.close()
        return found

    connection.close()
    found = race([lambda number=number: log_in(number) for number in range(1, 6)])
    assert all(found)
    assert [enter(None, counter(0), username(number)) for number in range(1, 6)] == [None] * 5


@pytest.mark.postgres
@pytest.mark.requirement("R16")
def test_wrong_guesses_beside_a_pool_that_is_used_up(user, pool):
    """They are stored by connections that do not come from the pool, and none of them waits."""
    give(user, "hotp")
    together = threading.Barrier(pool)

    def guess(number: int) -> Any:
        with transaction.atomic():
            connection.ensure_connection()
            if number <= pool:
                together.wait()
            name = username(77) if number == 5 else username()
            found = enter(visitor(), "12345678", name)
            transaction.set_rollback(True)
        connection.close()
        return found

    connection.close()
    assert race([lambda number=number: guess(number) for number in range(1, 6)]) == [None] * 5
    counts = [WrongGuess.objects.filter(user=each).count() for each in (user, None)]
    assert 1 <= counts[0] <= 4
    assert counts[1] == 5 - counts[0]  # what found no room at that moment


@pytest.mark.postgres
def test_the_schema_of_a_tenant(user):
    """The connection of our own looks where the caller looks, by the search path."""
    give(user, "hotp")
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA tenant")
        for name in ("authenticator", "recoverycode", "wrongguess"):
            table = f"swap_user_{name}"
            cursor.execute(f"CREATE TABLE tenant.{table} (LIKE public.{table} INCLUDING ALL)")
            cursor.execute(f"INSERT INTO tenant.{table} SELECT * FROM public.{table}")
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL search_path TO tenant, public")
            assert enter(None, counter(3)) == user
            assert enter(None, "12345678") is None
            transaction.set_rollback(True)
        with connection.cursor() as cursor:
            found = []
            for schema in ("tenant", "public"):
                cursor.execute(f"SELECT consumed FROM {schema}.swap_user_authenticator")
                found += cursor.fetchone()
                cursor.execute(f"SELECT COUNT(*) FROM {schema}.swap_user_wrongguess")
                found += cursor.fetchone()
        assert found == [3, 1, -1, 0]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA tenant CASCADE")
