"""Wrong guesses as rows: whose they are, which count, and what an old snapshot hides."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connections, transaction

from swap_user.models import WrongGuess
from swap_user.otp.throttling import guesses, wrong_guesses
from swap_user.otp.throttling.guesses import Attempt, Counted, Place
from swap_user.otp.visitors.visitor import Visitor
from tests.support import NOW, configure, make_user

transactional = pytest.mark.django_db(transaction=True)


def row(user: Any, units: int, *, is_known: bool = False) -> WrongGuess:
    """A wrong guess at an account."""
    return WrongGuess.objects.create(user=user, at=NOW, units=units, is_known=is_known)


@pytest.mark.parametrize(
    ("sums", "counted"),
    [
        ([], Counted(0, 0)),
        ([(False, 5)], Counted(strangers=5, known=0)),
        ([(True, 7)], Counted(strangers=0, known=7)),
        ([(True, 7), (False, 5)], Counted(strangers=5, known=7)),
    ],
)
def test_strangers_and_known_browsers_are_counted_apart(
    sums: list[tuple[bool, int]], counted: Counted
) -> None:
    """An account without guesses has counted none."""
    assert wrong_guesses._counted(sums) == counted
    assert Counted() == Counted(strangers=0, known=0)


@pytest.mark.django_db
def test_what_is_deleted(user: Any) -> None:
    """Those of one account, and either those of strangers or those of known browsers."""
    other = make_user(2)
    kept = {row(other, 1).pk, row(other, 1, is_known=True).pk}
    stranger, known = row(user, 1), row(user, 1, is_known=True)
    wrong_guesses.forget_known(user)
    assert set(WrongGuess.objects.values_list("pk", flat=True)) == {*kept, stranger.pk}
    known.save(force_insert=True)
    wrong_guesses.forget(user)
    assert set(WrongGuess.objects.values_list("pk", flat=True)) == {*kept, known.pk}


@pytest.mark.requirement("R48")
@pytest.mark.django_db
@pytest.mark.parametrize("is_user", [True, False])
def test_a_guess_at_no_account(user: Any, monkeypatch: pytest.MonkeyPatch, is_user: bool) -> None:
    """It replaces one of 1,024 rows, and its place need not be kept."""
    places: list[Place] = []

    def run(alias: str, statement: Any, place: Place) -> bool:
        places.append(place)
        connection = connections[alias]
        with connection.cursor() as cursor:
            return bool(statement(connection, cursor))

    monkeypatch.setattr(wrong_guesses.statements, "run", run)
    monkeypatch.setattr(wrong_guesses.random, "randrange", lambda most: most - 1)
    attempt = Attempt(place=Place(":1:open", "id"), now=NOW)
    wrong_guesses.store(attempt, user.pk if is_user else None, 4)
    stored = WrongGuess.objects.get()
    assert (stored.id.int == 1023) is not is_user
    assert [place.counts for place in places] == [is_user]
    assert stored.user_id == (user.pk if is_user else None)


@pytest.mark.django_db
def test_a_guess_weighs_at_most_what_the_column_holds(user: Any) -> None:
    """On every database. That is far above the limits."""
    attempt = Attempt(place=Place(":1:open", "id"), now=NOW)
    wrong_guesses.store(attempt, user.pk, 10**6)
    assert WrongGuess.objects.get().units == 32_767


@pytest.mark.requirement("R18", "R43")
@transactional
@pytest.mark.parametrize("can_limit", [True, False])
@pytest.mark.parametrize("is_in_transaction", [True, False])
def test_when_a_place_is_left(
    user: Any, monkeypatch: pytest.MonkeyPatch, can_limit: bool, is_in_transaction: bool
) -> None:
    """When the guess is committed: at once, unless it is a part of the caller's transaction."""
    settled: list[str] = []
    monkeypatch.setattr(wrong_guesses.statements, "run", lambda *args: True)
    monkeypatch.setattr(wrong_guesses, "can_limit", lambda connection: can_limit)
    monkeypatch.setattr(Place, "settle", lambda place: settled.append(place.id))
    attempt = Attempt(place=Place(":1:open", "id"), now=NOW)
    if is_in_transaction:
        with transaction.atomic():
            wrong_guesses.store(attempt, user.pk, 4)
    else:
        wrong_guesses.store(attempt, user.pk, 4)
    assert settled == ["id"] * (can_limit or not is_in_transaction)


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let the own connection be that of the test; return for which databases it is opened."""
    opened: list[str] = []

    @contextmanager
    def own_connection(live: Any) -> Any:
        opened.append(live.alias)
        with live.cursor() as cursor:
            yield live, cursor

    monkeypatch.setattr(wrong_guesses, "own_connection", own_connection)
    return opened


SEEN = Counted(strangers=1, known=2)


@pytest.mark.requirement("R18", "R43")
@transactional
@pytest.mark.parametrize(
    ("can_limit", "is_old", "is_asked"),
    [(True, True, True), (True, False, False), (False, True, False)],
)
def test_an_old_snapshot(
    user: Any,
    monkeypatch: pytest.MonkeyPatch,
    beside: list[str],
    can_limit: bool,
    is_old: bool,
    is_asked: bool,
) -> None:
    """What was counted since is read over a connection of our own, only if it may be hidden."""
    monkeypatch.setattr(wrong_guesses, "can_limit", lambda connection: can_limit)
    monkeypatch.setattr(wrong_guesses, "may_see_old_rows", lambda connection: is_old)
    row(user, 8)
    row(user, 16, is_known=True)
    row(make_user(2), 32)
    assert wrong_guesses.committed(SEEN, user.pk, now=NOW) == SEEN
    assert beside == []
    with transaction.atomic():
        counted = wrong_guesses.committed(SEEN, user.pk, now=NOW)
    assert counted == (Counted(strangers=8, known=16) if is_asked else SEEN)
    assert beside == ["default"] * is_asked


@pytest.mark.django_db
def test_in_a_test_case_nothing_is_committed(
    user: Any, monkeypatch: pytest.MonkeyPatch, beside: list[str]
) -> None:
    """No other connection would see the rows of the test."""
    monkeypatch.setattr(wrong_guesses, "can_limit", lambda connection: True)
    monkeypatch.setattr(wrong_guesses, "may_see_old_rows", lambda connection: True)
    assert wrong_guesses.committed(SEEN, user.pk, now=NOW) == SEEN
    assert beside == []


@pytest.mark.requirement("R56")
def test_visitors_without_an_address_share_a_brake(settings: Any) -> None:
    """A hundred times the limit of an address; then none of their codes is compared."""
    configure(settings, OTP_LIMITS={"guesses_per_address": "1/1h"})

    def is_braked() -> bool:
        begun = guesses.begin("account", "000000", Visitor(), now=NOW, is_known=False)
        assert isinstance(begun, tuple)
        return begun[0].is_braked

    assert [is_braked() for _ in range(101)] == [False] * 100 + [True]


def test_attempts_at_an_account_can_be_forgotten() -> None:
    """For a reset. Those at other accounts stay."""
    for account in ("one", "two"):
        begun = guesses.begin(account, "000000", Visitor(), now=NOW, is_known=False)
        assert isinstance(begun, tuple)
        begun[0].place.keep()
    guesses.forget("one")
    assert [guesses.kept(account)[1] for account in ("one", "two")] == [0, 1]


def test_a_long_code_has_no_place() -> None:
    """Only short codes are counted."""
    begun = guesses.begin("account", "0" * 10, Visitor(), now=NOW, is_known=False)
    assert isinstance(begun, tuple)
    attempt, _ = begun
    assert attempt == Attempt(Place("", ""), (), 0, is_braked=False, now=attempt.now)
    assert Attempt() == Attempt(
        Place("", ""), (), position=0, is_braked=False, now=0, is_known=False
    )
    assert Place().not_saved == "wrong guess not saved"  # as the docs name it
