"""The hash of a recovery code is bound to its owner and encrypted (R46)."""

from __future__ import annotations

import pytest

from swap_user.models import RecoveryCode
from swap_user.otp import generate_recovery_codes
from tests.support import enter, make_user, username

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.requirement("R46")]


def test_a_row_that_was_moved_to_another_user(user):
    """By SQL: it lets nobody in as that user, and back in its place its owner."""
    code = generate_recovery_codes(user)[0]
    other = make_user(2)
    RecoveryCode.objects.update(user=other)
    assert enter(None, code, username(2)) is None
    assert enter(None, code) is None
    RecoveryCode.objects.update(user=user)
    assert enter(None, code) == user


def test_a_copy_of_a_used_row(user):
    """By SQL: the code is used, whatever the copy says."""
    code = generate_recovery_codes(user)[0]
    copies = list(RecoveryCode.objects.all())
    assert enter(None, code) == user
    for copy in copies:
        copy.pk = None
        copy.save(force_insert=True)
    assert enter(None, code) is None
