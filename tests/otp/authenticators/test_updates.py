"""The UPDATEs of a login change one row, once."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from swap_user.models import Authenticator, RecoveryCode
from swap_user.otp import generate_recovery_codes
from swap_user.otp.authenticators import updates
from tests.support import give

pytestmark = pytest.mark.django_db


def run(update: Any, *args: Any) -> bool:
    """Run an UPDATE, or the SELECT of is_visible(), with a cursor."""
    with connection.cursor() as cursor:
        return update(*args, connection, cursor)


@pytest.mark.requirement("R8")
@pytest.mark.parametrize("form", ["stored SQL", "ORM"])
def test_a_mark_of_one_row_rises(user, form):
    """A counter at or below the mark is refused, and no other row is changed."""
    first, second = (give(user, consumed=3) for _ in range(2))
    now = timezone.now()

    def update(counter: int) -> bool:
        changes = {"consumed": counter, "last_used_at": now}
        if form == "ORM":
            return bool(updates.orm_update(first, counter, changes))
        return run(updates.raise_mark, first, counter, changes)

    marks = []
    for counter in (3, 5, 5, 4, 6):
        changed = update(counter)
        first.refresh_from_db()
        marks.append((changed, first.consumed))
    assert marks == [(False, 3), (True, 5), (False, 5), (False, 5), (True, 6)]
    assert first.last_used_at == now
    second.refresh_from_db()
    assert (second.consumed, second.last_used_at) == (3, None)


@pytest.mark.requirement("R31")
def test_a_recovery_code_is_used_once(user):
    """The second UPDATE changes nothing, and the other codes are unused."""
    generate_recovery_codes(user)
    row = RecoveryCode.objects.order_by("pk")[4]
    first, second = timezone.now(), timezone.now()
    assert run(updates.use_recovery_code, row, {"used_at": first}) is True
    assert run(updates.use_recovery_code, row, {"used_at": second, "code": "x"}) is False
    used = RecoveryCode.objects.get(used_at__isnull=False)
    assert (used.pk, used.code, used.used_at) == (row.pk, row.code, first)


@pytest.mark.requirement("R43")
@pytest.mark.parametrize("model", [Authenticator, RecoveryCode])
def test_a_row_is_visible_while_it_is_there(user, model):
    """After it was deleted, only the other rows are visible."""
    give(user)
    give(user)
    generate_recovery_codes(user)
    row, other = model.objects.order_by("pk")[:2]
    assert run(updates.is_visible, row) is True
    model.objects.filter(pk=row.pk).delete()
    assert run(updates.is_visible, row) is False
    assert run(updates.is_visible, other) is True


def test_a_ciphertext_that_was_changed_meanwhile_is_kept(user):
    """Only rows that have the text that is replaced are updated."""
    rows = [give(user) for _ in range(3)]
    old = [row.secret for row in rows]
    Authenticator.objects.filter(pk=rows[1].pk).update(secret="of a login")
    for number, row in enumerate(rows):
        row.secret = f"new {number}"
    changes = list(zip(rows[:2], old[:2], strict=True))
    updates.replace_ciphertexts(Authenticator, "secret", changes)
    stored = [Authenticator.objects.get(pk=row.pk).secret for row in rows]
    assert stored == ["new 0", "of a login", old[2]]
