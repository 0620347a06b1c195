"""Faults at the edges of transactions that are known and not mended yet (PostgreSQL)."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from swap_user.models import RecoveryCode
from swap_user.otp import LoginUnavailable, generate_recovery_codes
from tests.support import enter, make_user

in_transactions = pytest.mark.django_db(transaction=True)
on_postgres = pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL")


@in_transactions
@on_postgres
@pytest.mark.requirement("R43")
@pytest.mark.xfail(strict=True, reason="the UPDATE is not run again at the outermost commit")
def test_a_savepoint_that_rolls_back_after_the_row_was_created_around_it(shared_redis):
    """The row survives, its use does not: after a loss of Redis the code is good again."""
    with transaction.atomic():
        codes = generate_recovery_codes(make_user())
        with transaction.atomic():
            assert enter(None, codes[0])
            transaction.set_rollback(True)
    shared_redis.flush()
    assert enter(None, codes[0]) is None


@in_transactions
@on_postgres
@pytest.mark.requirement("R43")
@pytest.mark.xfail(strict=True, reason="the caller's snapshot is older than our UPDATE")
def test_new_codes_after_a_login_in_the_same_snapshot(user):
    """REPEATABLE READ: what our own connection has updated, the caller can't delete any more."""
    codes = generate_recovery_codes(user)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        assert enter(None, codes[0]) == user
        generate_recovery_codes(user)


@in_transactions
@on_postgres
def test_a_recovery_code_that_could_not_be_saved_is_not_lost(user):
    """Nobody was logged in, the UPDATE did not happen, and the page says "try again"."""
    codes = generate_recovery_codes(user)
    with transaction.atomic():
        list(RecoveryCode.objects.select_for_update())
        with pytest.raises(LoginUnavailable):
            enter(None, codes[0])
    assert enter(None, codes[0]) == user
