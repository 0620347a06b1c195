"""The state of a step of an upgrade: which forms are read and written, and until when."""

from __future__ import annotations

from base64 import b64encode

import pytest
from django.db import connections, transaction
from django.db.models.signals import pre_save

from swap_user.models import PendingUpgrade
from swap_user.otp.authenticators import upgrades
from swap_user.otp.authenticators.upgrades import (
    RECOVERY_CODES,
    Progress,
    finish,
    is_pending,
    sealed_state,
)
from tests.support import configure

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.requirement("R46")]

# Other steps: one comes before the recovery codes in the order of names, the other one after.
EARLIER, LATER = "a step", "sessions"

# By AES-256-GCM with a key of ones, the nonce 00 01 … 0b, and "pending upgrade|recovery codes".
K1 = b64encode(bytes([1]) * 32).decode()
OPEN = "1.70d18b56.AAECAwQFBgcICQoL1NbwSFriEYtAYH1ZWBQTP5yeDq0="
CLOSING = "1.70d18b56.AAECAwQFBgcICQoL2Mr6VUmQYeotY8QxNAIEjag7-FLnX8M="


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch):
    """A new process does not know which steps are finished."""
    monkeypatch.setattr(upgrades, "_finished", set())


def record(*names: str) -> None:
    """Record these steps, as migrations do."""
    for name in names:
        PendingUpgrade.objects.create(name=name, seal=sealed_state(name))


def is_written(name: str) -> bool:
    """Return whether the old form must be written, asked in the transaction that writes."""
    with transaction.atomic():
        return upgrades.is_old_form_written(name)


def nothing_to_convert(batch_size: int):
    """Convert nothing, and yield the progress."""
    yield Progress(0)


@pytest.mark.parametrize(
    ("seal", "expected"), [(OPEN, True), (CLOSING, False)], ids=["open", "closing"]
)
def test_a_state_of_an_earlier_version_is_readable(settings, seal, expected):
    """The states of a step, and what they are bound to, never change."""
    configure(settings, OTP_ENCRYPTION_KEYS=[K1])
    PendingUpgrade.objects.create(name="recovery codes", seal=seal)
    assert is_pending(RECOVERY_CODES)
    assert is_written(RECOVERY_CODES) == expected


@pytest.mark.parametrize("other", [EARLIER, LATER])
def test_another_step_does_not_count(other):
    """While only another step is pending, the old form is neither read nor written."""
    record(other)
    assert not is_written(RECOVERY_CODES)
    assert not is_pending(RECOVERY_CODES)


def test_a_state_of_another_step_does_not_count():
    """Copied to another row by SQL, it can't be decrypted."""
    PendingUpgrade.objects.create(name=RECOVERY_CODES, seal=sealed_state(EARLIER))
    assert not is_written(RECOVERY_CODES)
    assert not is_pending(RECOVERY_CODES)


def test_a_finished_step_costs_no_query(django_assert_num_queries):
    """Once it is known to be finished, it stays so for the life of the process."""
    assert not is_pending(RECOVERY_CODES)
    record(RECOVERY_CODES)
    with django_assert_num_queries(0):
        assert not is_pending(RECOVERY_CODES)
        assert not upgrades.is_old_form_written(RECOVERY_CODES)


def test_a_schema_says_nothing_about_another(monkeypatch):
    """In a multi-tenant project, each schema has its own state."""
    connection = connections["default"]
    monkeypatch.setattr(connection, "schema_name", "one", raising=False)
    assert not is_pending(RECOVERY_CODES)
    record(RECOVERY_CODES)
    monkeypatch.setattr(connection, "schema_name", "two", raising=False)
    assert is_pending(RECOVERY_CODES)
    assert is_written(RECOVERY_CODES)


def test_one_step_is_finished():
    """Its old form is read and not written while rows are converted, and then refused."""
    record(EARLIER, RECOVERY_CODES, LATER)
    others = PendingUpgrade.objects.exclude(name=RECOVERY_CODES)
    before = set(others.values_list())
    seen = [
        (is_pending(RECOVERY_CODES), is_written(RECOVERY_CODES), progress.done)
        for progress in finish(RECOVERY_CODES, nothing_to_convert, batch_size=1)
    ]
    assert seen == [(True, False, 0)]
    assert not is_pending(RECOVERY_CODES)
    assert set(PendingUpgrade.objects.values_list()) == set(others.values_list()) == before


def test_a_step_that_is_not_pending_is_not_taken():
    """Nothing is converted, and no row is added or deleted."""
    record(LATER)
    assert list(finish(RECOVERY_CODES, nothing_to_convert, batch_size=1)) == []
    assert upgrades.recorded() == [LATER]


def test_a_step_is_closed_in_one_transaction():
    """The row stays locked from the SELECT to the UPDATE, so that writers of the old form wait."""
    record(RECOVERY_CODES)
    seen = []

    def receiver(**kwargs):
        seen.append(connections["default"].in_atomic_block)

    pre_save.connect(receiver, sender=PendingUpgrade)
    try:
        list(finish(RECOVERY_CODES, nothing_to_convert, batch_size=1))
    finally:
        pre_save.disconnect(receiver, sender=PendingUpgrade)
    assert seen == [True]
