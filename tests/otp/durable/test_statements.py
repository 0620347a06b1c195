"""What Redis does for each end of a statement that a rollback must not undo."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from swap_user.otp import LoginUnavailable
from swap_user.otp.durable import statements
from swap_user.otp.durable.own_connection import UnclearCommit

transactional = pytest.mark.django_db(transaction=True)


class Held:
    """Notes what Redis is asked to do."""

    not_saved = "wrong guess not saved"

    def __init__(self, *, settles: bool = True) -> None:
        self.did: list[str] = []
        self._settles = settles

    def keep(self) -> None:
        self.did.append("keep")

    def settle(self) -> None:
        self.did.append("settle")
        if not self._settles:
            raise RuntimeError("Redis is away")

    def give_back(self) -> None:
        self.did.append("give back")


def changes(*args: Any) -> bool:
    """A statement that has changed a row."""
    return True


def changes_nothing(*args: Any) -> bool:
    """A statement that has found no row."""
    return False


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let a connection of our own raise an exception, or not see the row."""

    def use(result: Exception | bool | None) -> None:
        def run_beside(*args: Any) -> bool | None:
            if isinstance(result, Exception):
                raise result
            return result

        monkeypatch.setattr(statements, "can_limit", lambda live: True)
        monkeypatch.setattr(statements, "_run_beside", run_beside)

    return use


@transactional
@pytest.mark.parametrize("changed", [True, False])
def test_it_is_committed_on_a_connection_of_our_own(beside: Any, changed: bool) -> None:
    """Redis need not hold anything for longer."""
    beside(changed)
    held = Held()
    with transaction.atomic():
        assert statements.run("default", changes, held) is changed
    assert held.did == []


@transactional
def test_it_may_be_committed(beside: Any) -> None:
    """Refused, and held: the row may be there."""
    beside(UnclearCommit("lost"))
    held = Held()
    with transaction.atomic(), pytest.raises(LoginUnavailable):
        statements.run("default", changes, held)
    assert held.did == ["keep"]


@transactional
def test_it_failed(beside: Any) -> None:
    """Refused, and given back: nothing is stored."""
    beside(OperationalError("no connection"))
    held = Held()
    with transaction.atomic(), pytest.raises(LoginUnavailable):
        statements.run("default", changes, held)
    assert held.did == ["give back"]


@transactional
def test_the_row_belongs_to_the_transaction(beside: Any) -> None:
    """It is held until the transaction is committed."""
    beside(None)
    held = Held()
    with transaction.atomic():
        assert statements.run("default", changes, held) is True
        assert held.did == ["keep"]
    assert held.did == ["keep", "settle"]


@transactional
def test_the_transaction_is_that_of_the_row(beside: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a project with several databases, another transaction can be open."""
    beside(None)
    waits_for: list[str] = []

    def on_commit(step: Any, *, using: str | None = None, robust: bool = False) -> None:
        waits_for.append(str(using))

    monkeypatch.setattr(statements.transaction, "on_commit", on_commit)
    with transaction.atomic():
        statements.run("default", changes, Held())
    assert waits_for == ["default"]


@transactional
def test_the_transaction_of_the_row_is_rolled_back(beside: Any) -> None:
    """It stays held."""
    beside(None)
    held = Held()
    with transaction.atomic():
        statements.run("default", changes, held)
        transaction.set_rollback(True)
    assert held.did == ["keep"]


@transactional
def test_a_row_that_is_not_there(beside: Any) -> None:
    """Nothing is held for it."""
    beside(None)
    held = Held()
    with transaction.atomic():
        assert statements.run("default", changes_nothing, held) is False
    assert held.did == []


@transactional
def test_redis_is_away_when_the_transaction_is_committed(beside: Any) -> None:
    """What the project does after the commit is still done."""
    beside(None)
    later: list[str] = []
    with transaction.atomic():
        statements.run("default", changes, Held(settles=False))
        transaction.on_commit(lambda: later.append("done"))
    assert later == ["done"]


@transactional
def test_without_autocommit(beside: Any) -> None:
    """Django does not notice such a commit, so it stays held."""
    beside(None)
    held = Held()
    transaction.set_autocommit(False)
    try:
        assert statements.run("default", changes, held) is True
        connection.commit()
    finally:
        transaction.set_autocommit(True)
    assert held.did == ["keep"]


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The jobs that are given to the thread pool. It has no place for one if ``reason`` is set."""
    found = SimpleNamespace(run=[], lost=[], reason="")

    def submit(job: Any, *, lost: Any) -> str:
        found.run.append(job)
        found.lost.append(lost)
        return str(found.reason)

    pool = SimpleNamespace(submit=submit)
    monkeypatch.setattr(statements.lifecycle, "current", lambda: pool)
    return found


class Database:
    """A database whose locks can't be limited."""

    vendor, alias = "other", "default"
    settings_dict = {"NAME": "x", "PASSWORD": "a-secret", "OPTIONS": {}}


@contextmanager
def _cursor() -> Any:
    yield None


@contextmanager
def server(result: Exception | None) -> Any:
    """A connection, or what opening it raises."""
    if result:
        raise result
    yield SimpleNamespace(cursor=_cursor)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch, jobs: Any) -> Any:
    """Return a statement that was queued to run after the transaction."""
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    monkeypatch.setattr(statements, "_TRY_FOR", 600)

    def queue(held: Held) -> Any:
        live: Any = Database()
        assert statements._run_later(live, changes, held) is True
        return jobs.run[-1].__self__

    return queue


def test_it_is_tried_for_ten_minutes(later: Any) -> None:
    """Redis holds for longer. No password is shown with the job."""
    job = later(Held())
    assert job.deadline == 1600.0
    assert "a-secret" not in repr(job)


def test_an_in_memory_database_has_one_connection(jobs: Any) -> None:
    """Nothing can be run beside it."""
    live: Any = SimpleNamespace(is_in_memory_db=lambda: True)
    assert statements._run_later(live, changes, Held()) is True
    assert jobs.run == []


def test_it_is_run_when_the_transaction_has_ended(
    later: Any, jobs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then nothing needs to be held any more."""
    held = Held()
    job = later(held)
    monkeypatch.setattr(statements, "opened", lambda *args: server(None))
    job._run()
    assert held.did == ["settle"]
    assert len(jobs.run) == 1


@pytest.mark.parametrize(
    ("error", "now", "is_tried_again"),
    [
        (OperationalError("locked"), 1599.9, True),
        (OperationalError("locked"), 1600.0, False),
        (ValueError("a bug"), 1000.0, False),
    ],
)
def test_the_transaction_has_not_ended(
    later: Any,
    jobs: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    now: float,
    is_tried_again: bool,
) -> None:
    """It is tried again for a while, and then reported. Redis holds it."""
    held = Held()
    job = later(held)
    monkeypatch.setattr(statements, "opened", lambda *args: server(error))
    monkeypatch.setattr(time, "monotonic", lambda: now)
    with caplog.at_level(logging.ERROR):
        job._run()
    assert held.did == []
    assert (len(jobs.run) == 2) == is_tried_again
    assert ("wrong guess not saved" in caplog.text) != is_tried_again


def test_the_pool_is_full(later: Any, jobs: Any, caplog: pytest.LogCaptureFixture) -> None:
    """It is reported. Redis holds it."""
    jobs.reason = "the queue is full"
    with caplog.at_level(logging.ERROR):
        later(Held())
    assert "wrong guess not saved: kept_in=redis reason=the queue is full" in caplog.text


def test_the_process_ends(later: Any, jobs: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A job that was not run is reported. Redis holds it."""
    later(Held())
    assert "not saved" not in caplog.text
    (lost,) = jobs.lost
    with caplog.at_level(logging.ERROR):
        lost()
    assert "wrong guess not saved: kept_in=redis reason=the process ends" in caplog.text
