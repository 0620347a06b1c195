"""Transactions that can't be serialized, and rows that somebody holds locked (R43)."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction

from swap_user.models import Authenticator, RecoveryCode
from swap_user.otp import LoginUnavailable, generate_recovery_codes
from swap_user.otp.availability import is_conflict
from swap_user.otp.crypto import hotp
from swap_user.otp.durable import statements
from swap_user.testing import wait_for_deliveries
from tests.otp.verification.codes import CODES, an_hour
from tests.support import RFC_SECRET, enter, give, visitor

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.requirement("R43"),
    pytest.mark.usefixtures("clock"),
]

LEVELS = ["REPEATABLE READ", "SERIALIZABLE"]


def elsewhere(function: Callable[[], Any]) -> Any:
    """Call a function in another thread, with a connection of its own; return the result."""
    results: list[Any] = []

    def run() -> None:
        try:
            results.append(function())
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return results[0]


@contextmanager
def isolated(level: str) -> Iterator[None]:
    """Begin a transaction of this level, which has read the rows of authenticators and codes."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
        list(Authenticator.objects.all())
        list(RecoveryCode.objects.all())
        yield


@pytest.fixture
def ours_only(monkeypatch):
    """The connection of the caller is the only one that can be used, as on a row that it made."""
    monkeypatch.setattr(statements, "_run_beside", lambda *args: None)


def counter(number: int) -> str:
    return hotp.code_at(RFC_SECRET, number)


@pytest.mark.postgres
@pytest.mark.parametrize("level", LEVELS)
def test_a_row_that_changed_since_the_snapshot(user, level):
    """Another login has raised the counter meanwhile: the next code is accepted all the same."""
    give(user, "hotp")
    with isolated(level):
        assert elsewhere(lambda: enter(None, counter(0))) == user
        assert enter(None, counter(1)) == user
        assert elsewhere(lambda: enter(None, counter(1))) is None


@pytest.mark.postgres
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("kind", ["sent", "hotp", "recovery"])
def test_a_conflict_in_the_callers_own_transaction(user, ours_only, level, kind, caplog):
    """The caller gets the conflict itself, runs the whole transaction again, and gets in."""
    visit = visitor()
    code = CODES[kind](user, visit)

    def change_the_row() -> None:
        Authenticator.objects.update(name="changed")
        RecoveryCode.objects.update(created_at="2026-01-01T00:00Z")

    def log_in(meanwhile: Callable[[], Any]) -> Any:
        with isolated(level):
            elsewhere(meanwhile)
            return enter(visit, code)

    with pytest.raises(OperationalError) as raised:
        log_in(change_the_row)
    assert is_conflict(raised.value)
    assert "login unavailable" not in caplog.text
    assert log_in(lambda: None) == user
    assert enter(visit, code) is None


@pytest.mark.postgres
@pytest.mark.parametrize("code", ["123456", "0" * 16], ids=["short", "recovery"])
def test_a_conflict_when_the_rows_are_read(user, code, caplog):
    """PostgreSQL may refuse any statement of a transaction that can't be serialized."""
    from psycopg.errors import SerializationFailure

    def refuse(execute: Any, sql: str, *args: Any) -> Any:
        raise OperationalError("could not serialize") from SerializationFailure()

    with (
        transaction.atomic(),
        connection.execute_wrapper(refuse),
        pytest.raises(OperationalError, match="could not serialize"),
    ):
        enter(None, code)
    assert "login unavailable" not in caplog.text


@pytest.mark.postgres
@pytest.mark.parametrize("level", LEVELS)
def test_two_serializable_logins_at_once(user, level):
    """With two codes, really at the same time: both succeed, or the loser can try again."""
    give(user, "hotp")
    barrier = threading.Barrier(2)
    results: dict[int, Any] = {}

    def log_in(number: int) -> None:
        try:
            with isolated(level):
                barrier.wait()
                results[number] = enter(None, counter(number))
        except OperationalError as error:
            results[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=log_in, args=[number]) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results[1] == user  # the higher counter wins in any order
    assert results[0] in (user, None)


@pytest.mark.postgres
def test_a_deadlock_is_a_conflict(user, ours_only):
    """The loser gets the deadlock itself, and its code is unused."""
    give(user, "hotp")
    other_has_it, i_have_mine = threading.Event(), threading.Event()

    def other() -> None:
        try:
            with transaction.atomic():
                Authenticator.objects.update(name="held")
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL deadlock_timeout = '1h'")  # the other one loses
                other_has_it.set()
                i_have_mine.wait()
                type(user).objects.update(is_active=True)
        finally:
            connections.close_all()

    thread = threading.Thread(target=other)
    thread.start()

    def log_in() -> None:
        with transaction.atomic():
            other_has_it.wait()
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL deadlock_timeout = '100ms'")
            type(user).objects.update(is_active=True)
            i_have_mine.set()
            enter(None, counter(0))

    with pytest.raises(OperationalError) as raised:
        log_in()
    thread.join()
    assert is_conflict(raised.value)
    assert enter(None, counter(0)) == user


@pytest.mark.parametrize("kind", ["hotp", "recovery"])
def test_a_row_that_the_caller_holds_locked(user, kind, caplog):
    """Unavailable after two seconds, and no hang; not accepted, so the code still counts."""
    if connection.vendor == "sqlite":
        pytest.skip("has no locks of rows")
    give(user, "hotp")
    codes = generate_recovery_codes(user)
    code = counter(0) if kind == "hotp" else codes[0]
    with transaction.atomic():
        list(Authenticator.objects.select_for_update())
        list(RecoveryCode.objects.select_for_update())
        with pytest.raises(LoginUnavailable):
            enter(None, code)
    assert "login unavailable: server=database" in caplog.text
    assert enter(None, code) == user
    assert enter(None, code) is None


@pytest.fixture
def deferred(monkeypatch):
    """SQLite as it is configured by default: a transaction begins with the first read."""
    if connection.vendor != "sqlite":
        pytest.skip("about SQLite")
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "transaction_mode", None)
    connection.close()
    yield
    connection.close()


def test_a_snapshot_of_sqlite_that_is_too_old(user, deferred, shared_redis):
    """A conflict too: SQLite refuses the write at once, and a second run of all succeeds."""
    give(user, "hotp")

    def log_in(name: str) -> Any:
        with transaction.atomic():
            list(Authenticator.objects.all())
            if name:
                with closing(sqlite3.connect(connection.settings_dict["NAME"])) as other:
                    other.execute("UPDATE swap_user_authenticator SET name = ?", [name])
                    other.commit()
            return enter(None, counter(0))

    with pytest.raises(OperationalError) as raised:
        log_in("changed")
    assert is_conflict(raised.value)
    assert log_in("") == user
    assert wait_for_deliveries()
    assert enter(None, counter(0)) is None


def test_a_database_that_is_locked_for_long(user, monkeypatch, shared_redis, caplog):
    """The thread that saves the mark gives up: Redis goes on keeping it, and the log says so."""
    if connection.vendor != "sqlite":
        pytest.skip("about SQLite")
    monkeypatch.setattr(statements, "_TRY_FOR", 0)
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.01)
    give(user, "hotp")
    with transaction.atomic():
        assert enter(None, counter(0)) == user
        assert wait_for_deliveries()
        assert "use of a code not saved: kept_in=redis" in caplog.text
        transaction.set_rollback(True)
    an_hour(shared_redis)
    assert enter(None, counter(0)) is None
    assert enter(None, counter(1)) == user
