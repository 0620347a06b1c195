"""A wrong guess counts whatever the transaction of the caller does (traps 1 and 7)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction

from swap_user.models import WrongGuess
from swap_user.otp import LoginUnavailable, limited
from swap_user.otp.durable import own_connection, statements
from swap_user.otp.sessions.reset import lift_limits
from swap_user.otp.store import scripts
from swap_user.otp.throttling import guesses
from swap_user.testing import wait_for_deliveries
from tests.otp.throttling.helpers import DAY, MINUTE, from_, guess, looked_at, wrong
from tests.otp.verification.test_conflicts import elsewhere
from tests.otp.verification.test_consumption import race
from tests.otp.verification.test_rolled_back import CALLERS
from tests.support import NOW, ask, enter, totp, username

pytestmark = [pytest.mark.requirement("R16", "R17", "R43"), pytest.mark.usefixtures("clock")]

on_a_site = pytest.mark.django_db(transaction=True)
on_servers = pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no server")


@on_a_site
@pytest.mark.parametrize("caller", CALLERS)
def test_what_the_caller_rolls_back(user, compared, caller):
    """Sixteen of twenty are looked at, and all of them count."""
    for number in range(20):
        with CALLERS[caller]():
            assert enter(from_(number), wrong()) is None
        assert wait_for_deliveries()  # SQLite writes them after the rollback
    assert len(compared) == looked_at() == 16


@on_a_site
def test_many_guesses_in_one_transaction(user, compared):
    """Twenty, and all of them are rolled back."""
    with transaction.atomic():
        for number in range(20):
            assert enter(from_(number), wrong()) is None
        transaction.set_rollback(True)
    assert wait_for_deliveries()
    assert 1 <= looked_at() == len(compared) <= 16
    guess(20)
    assert len(compared) <= 16


@pytest.mark.django_db
def test_in_a_test_case(user, compared):
    """A part of the transaction of the test; a project's own tests see the same limits."""
    assert guess(20) == len(compared) == 16


@on_a_site
def test_a_caller_that_commits(user, compared):
    """Each counts once."""
    for number in range(20):
        with transaction.atomic():
            assert enter(from_(number), wrong()) is None
        assert wait_for_deliveries()
    assert len(compared) == looked_at() == 16


@on_a_site
def test_a_right_code_after_wrong_ones_in_the_same_transaction(user):
    """What was written beside the caller does not keep it from logging in."""
    with transaction.atomic():
        for number in range(3):
            assert enter(from_(number), wrong()) is None
        assert enter(from_(4), totp(NOW)) == user
        transaction.set_rollback(True)
    assert wait_for_deliveries()
    assert looked_at() == 3


@on_a_site
@on_servers
def test_a_caller_that_holds_the_row_of_the_user(user, compared):
    """There is no foreign key that would wait for it: the guess is written at once."""
    for number in range(3):
        with transaction.atomic():
            type(user).objects.select_for_update().get(pk=user.pk)
            assert enter(from_(number), wrong()) is None
            transaction.set_rollback(True)
    assert looked_at() == 3


@on_a_site
@on_servers
def test_names_without_an_account_do_the_same(user):
    """Their row is written beside the caller, too."""
    with transaction.atomic():
        assert enter(from_(1), "000000", username(77)) is None
        transaction.set_rollback(True)
    assert WrongGuess.objects.filter(user=None).count() == 1


@on_a_site
@on_servers
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # PyMySQL's socket
@pytest.mark.parametrize("kind", ["wrong", "right", "no account"])
def test_what_cannot_be_written_has_no_answer(user, monkeypatch, kind, compared):
    """A right code needs the same connection, so that the answers are the same."""
    name = username(77) if kind == "no account" else username()
    options = {"connect_timeout": 2}
    for vendor in ("postgresql", "mysql"):
        limit = (options, lambda cursor: None)
        monkeypatch.setitem(own_connection._LIMITS, vendor, lambda live, limit=limit: limit)
    with transaction.atomic():
        connection.ensure_connection()
        monkeypatch.setitem(connection.settings_dict, "HOST", "/nowhere")
        with pytest.raises(LoginUnavailable):
            enter(from_(1), totp(NOW) if kind == "right" else wrong(), name)


@on_a_site
@on_servers
def test_guesses_that_could_not_be_written_take_room(user, monkeypatch, compared, clock):
    """For a minute: a failing database is no way to more than a few."""

    def fail(*args: Any) -> Any:
        raise OperationalError("no connection")

    with monkeypatch.context() as patch:
        patch.setattr(statements, "_run_beside", fail)
        for number in range(30):
            with transaction.atomic(), pytest.raises(LoginUnavailable):
                enter(from_(number), wrong())
    assert 1 <= len(compared) <= 16
    clock.shift(MINUTE)
    assert guess(20) == 16


@on_a_site
def test_without_a_transaction_a_failing_database_has_no_answer(user, monkeypatch, compared):
    """The same without a transaction."""

    def fail(*args: Any) -> Any:
        raise OperationalError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(statements, "_run", fail)
        for number in range(30):
            with pytest.raises(LoginUnavailable):
                enter(from_(number), wrong())
        with pytest.raises(LoginUnavailable):
            enter(from_(1), "000000", username(77))
    assert 1 <= len(compared) <= 16
    assert looked_at() == 0


# Snapshots that are older than a guess


@contextmanager
def configured(level: str) -> Iterator[None]:
    """Let this thread's connection have an isolation level, as OPTIONS say it."""
    options = connection.settings_dict["OPTIONS"]
    before = options.get("isolation_level")
    if connection.vendor == "postgresql":
        from django.db.backends.postgresql.psycopg_any import IsolationLevel

        options["isolation_level"] = IsolationLevel[level.upper().replace(" ", "_")]
    else:
        options["isolation_level"] = level
    connection.close()
    try:
        yield
    finally:
        options["isolation_level"] = before
        if before is None:
            del options["isolation_level"]
        connection.close()


def guess_with_an_old_snapshot(
    times: int, level: str = "", between: Callable[[], Any] = lambda: None
) -> None:
    """
    Guess, one after the other, in transactions that have all read before the first guess.

    Call ``between`` elsewhere, after all have read.
    """
    turns = [threading.Event() for _ in range(times + 1)]
    all_have_read = threading.Barrier(times)

    def run(number: int) -> Any:
        try:
            with transaction.atomic():
                if level:
                    with connection.cursor() as cursor:
                        cursor.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
                assert WrongGuess.objects.count() == 0
                all_have_read.wait()
                if number == 0:
                    elsewhere(between)
                turns[number].wait()
                request = from_(number)
                assert enter(request, wrong()) is None
                assert limited(request) is None
                return True
        finally:
            turns[number + 1].set()

    turns[0].set()
    race([lambda number=number: run(number) for number in range(times)])


@on_a_site
@on_servers
def test_callers_with_an_old_snapshot(user, compared):
    """They would not see the guesses of others: these are read on a connection of our own."""
    with configured("repeatable read"):
        guess_with_an_old_snapshot(24)
    assert looked_at() == len(compared) == 16


@on_a_site
@on_servers
def test_guesses_without_a_transaction_beside_old_snapshots(user, compared):
    """Those of the login pages, for example, beside a project's own API with ATOMIC_REQUESTS."""
    with configured("repeatable read"):
        guess_with_an_old_snapshot(24, between=lambda: guess(20))
    assert looked_at() == len(compared) == 16


@pytest.mark.postgres
@on_a_site
def test_serializable_callers(user, compared):
    """The same; MariaDB lets them lock what they read, so that they get no answer."""
    with configured("serializable"):
        guess_with_an_old_snapshot(24)
    assert looked_at() == len(compared) == 16


@pytest.mark.postgres
@on_a_site
def test_callers_that_choose_their_snapshot_themselves(user, compared):
    """By a statement, so that the settings don't know of it."""
    guess_with_an_old_snapshot(24, "REPEATABLE READ")
    assert looked_at() == len(compared) == 16


@on_a_site
@on_servers
@pytest.mark.requirement("R33")
def test_an_old_snapshot_does_not_tell_which_names_exist(user, monkeypatch):
    """For a name of no account, as many connections of our own are opened."""
    opened, counts = own_connection.opened, []

    def counted(*args):
        counts[-1] += 1
        return opened(*args)

    monkeypatch.setattr(own_connection, "opened", counted)
    with configured("repeatable read"):
        for number, name in enumerate((1, 2)):
            counts.append(0)
            with transaction.atomic():
                assert enter(from_(number), wrong(), username(name)) is None
    assert counts == [2, 2]


@on_a_site
@on_servers
def test_at_the_usual_level_each_counts_at_once(user, compared):
    """There each statement sees what others have committed: sixteen, one after the other."""
    guess_with_an_old_snapshot(24)
    assert looked_at() == len(compared) == 16


# SQLite, where no second connection can write


@pytest.fixture
def sqlite():
    if connection.vendor != "sqlite":
        pytest.skip("about SQLite")


@on_a_site
def test_a_guess_that_sqlite_could_not_write(user, sqlite, monkeypatch, caplog, clock):
    """The thread gives up: the attempt keeps its place for a year, and the log says so."""
    monkeypatch.setattr(statements, "_TRY_FOR", 0)
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.01)
    for number in range(2):
        with transaction.atomic():
            assert enter(from_(number), wrong()) is None
            assert wait_for_deliveries()
            transaction.set_rollback(True)
    assert "wrong guess not saved: kept_in=redis" in caplog.text
    assert looked_at() == 0
    assert guesses._IN_FLIGHT == MINUTE
    clock.shift(10 * MINUTE)
    # Two of seven units each are still in flight.
    assert guess(20) == (64 - 2 * 7) // 4
    assert len(ask(from_(50))) == 10
    clock.shift(364 * DAY)
    assert len(ask(from_(50))) == 10
    assert guess(20) == 0
    clock.shift(2 * DAY)
    assert len(ask(from_(50))) == 6


@on_a_site
def test_a_reset_lifts_what_is_kept_too(user, sqlite, monkeypatch):
    """Otherwise these guesses would count for a year, though the owner has begun again."""
    monkeypatch.setattr(statements, "_TRY_FOR", 0)
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.01)
    for number in range(3):
        with transaction.atomic():
            assert enter(from_(number), wrong()) is None
            assert wait_for_deliveries()
            transaction.set_rollback(True)
    assert guess(20) == (64 - 3 * 7) // 4
    lift_limits(user)
    assert guess(20) == 16


@on_a_site
def test_a_guess_that_counts_for_nothing_keeps_no_place(user, sqlite, monkeypatch, clock):
    """Its row, which belongs to no user, could not be written either."""
    guess(16)
    monkeypatch.setattr(statements, "_TRY_FOR", 0)
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.01)
    with transaction.atomic():
        for number in range(20):
            assert enter(from_(number), wrong()) is None
        assert wait_for_deliveries()
        transaction.set_rollback(True)
    with scripts._reached() as client:
        (key,) = client.keys("*:open")
        assert client.zcount(key, NOW + 1, "+inf") == 0


@on_a_site
def test_sqlite_takes_room_while_it_waits(user, sqlite, compared):
    """Guesses in one long transaction are not refilled by a short one after it."""
    with transaction.atomic():
        for number in range(20):
            enter(from_(number), wrong())
        before = len(compared)
        transaction.set_rollback(True)
    assert before <= 16
    assert wait_for_deliveries()
    connections.close_all()
    assert looked_at() == before
