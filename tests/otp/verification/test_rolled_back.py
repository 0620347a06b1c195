"""A used code stays used when the transaction of the caller rolls back (R43)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from django.db import connection, transaction

from tests.otp.verification.codes import CODES, LOSSES, Challenges
from tests.otp.verification.test_consumption import race
from tests.support import enter, visitor

pytestmark = [pytest.mark.requirement("R43"), pytest.mark.usefixtures("clock")]

on_a_site = pytest.mark.django_db(transaction=True)


class _Failed(Exception):
    """What the caller raises after the login."""


@contextmanager
def _atomic() -> Iterator[None]:
    with suppress(_Failed), transaction.atomic():
        yield
        raise _Failed


@contextmanager
def _savepoint() -> Iterator[None]:
    with transaction.atomic(), suppress(_Failed), transaction.atomic():
        yield
        raise _Failed


@contextmanager
def _set_rollback() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def _no_autocommit() -> Iterator[None]:
    transaction.set_autocommit(False)
    try:
        yield
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)


CALLERS = {
    "atomic": _atomic,
    "savepoint": _savepoint,
    "set_rollback": _set_rollback,
    "no autocommit": _no_autocommit,
}


@on_a_site
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("kind", CODES)
def test_a_used_code_stays_used(user, shared_redis, kind, caller, loss):
    """Whatever the caller rolls back, and whatever Redis forgets after that."""
    visit = visitor()
    code = CODES[kind](user, visit)
    challenges = Challenges(shared_redis)
    with CALLERS[caller]():
        assert enter(visit, code) == user
    LOSSES[loss](shared_redis)
    challenges.restore()
    assert enter(visit, code) is None


@pytest.mark.django_db
@pytest.mark.parametrize("kind", CODES)
def test_in_a_test_case(user, shared_redis, kind):
    """Other connections can't see the rows: Redis keeps the mark, for the hour of a usual one."""
    visit = visitor()
    code = CODES[kind](user, visit)
    challenges = Challenges(shared_redis)
    with _atomic():
        assert enter(visit, code) == user
    challenges.restore()
    assert enter(visit, code) is None


@on_a_site
@pytest.mark.parametrize("kind", CODES)
def test_a_code_of_a_row_of_the_same_transaction(user, shared_redis, kind):
    """No other connection sees the row: marked with it, and durable when it is committed."""
    visit = visitor()
    with transaction.atomic():
        code = CODES[kind](user, visit)
        challenges = Challenges(shared_redis)
        assert enter(visit, code) == user
        challenges.restore()
        assert enter(visit, code) is None
    LOSSES["FLUSHALL"](shared_redis)
    challenges.restore()
    assert enter(visit, code) is None


def _in_a_transaction(visit: Any, code: str) -> Callable[[], Any]:
    def run() -> Any:
        with transaction.atomic():
            found = enter(visit, code)
            transaction.set_rollback(True)
            return found

    return run


@on_a_site
@pytest.mark.parametrize("kind", CODES)
def test_ten_transactions_with_one_code(user, kind):
    """All at once, and all of them roll back: one login."""
    visit = visitor()
    code = CODES[kind](user, visit)
    found = race([_in_a_transaction(visit, code)] * 10)
    assert sorted(map(bool, found)) == [False] * 9 + [True]
    assert not connection.in_atomic_block
