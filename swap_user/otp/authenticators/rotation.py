"""
Key rotation: encrypt all secrets with the first key.

The project changes OTP_ENCRYPTION_KEYS from [k1] to [k2, k1], rotates, and then removes k1. Users
can log in during a rotation. An interrupted rotation continues when it is started again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, QuerySet
from django.views.decorators.debug import sensitive_variables

from swap_user.models import Authenticator, PendingUpgrade, RecoveryCode
from swap_user.otp.authenticators import recovery_codes, secrets, updates, upgrades
from swap_user.otp.authenticators.recovery_codes import SEALED
from swap_user.otp.authenticators.secrets import keyring
from swap_user.otp.crypto.keyring import encrypted_with, prefix
from swap_user.otp.exceptions import EncryptionError
from swap_user.users.databases import batches, written

BATCH_SIZE = 1000


@dataclass(slots=True)
class Progress:
    """
    The progress of a rotation.

    Attributes:
        total: number of secrets to rotate, counted at the start.
        rotated: number of secrets that were rotated. It includes secrets of a batch that a login
            has rotated at the same time.
        unreadable: maps the ids of authenticators whose secret can't be decrypted to the id of the
            key that it was encrypted with. The id of a recovery code, or the name of a pending
            upgrade, follows the name of its model.
    """

    total: int
    rotated: int
    unreadable: dict[object, str]


@dataclass(frozen=True, slots=True)
class _Ciphertexts:
    """
    Rows that contain a ciphertext.

    Attributes:
        rows: the rows to encrypt.
        field: the name of the field with the ciphertext.
        reseal: encrypts the ciphertext of a row again, without saving.
        start: the text before the ciphertext.
    """

    rows: QuerySet[Any]
    field: str
    reseal: Callable[[Any], None]
    start: str = ""


def rotate_keys(*, batch_size: int = BATCH_SIZE) -> Iterator[Progress]:
    """
    Encrypt all secrets with the first key, and yield the progress after each batch.

    Secrets are those of authenticators, the hashes of recovery codes, and the states of pending
    upgrades.

    Args:
        batch_size: number of secrets per transaction.
    """
    newest = prefix(keyring().primary_id)
    sealed = written(RecoveryCode).filter(code__startswith=SEALED)
    pending = written(PendingUpgrade).filter(name=upgrades.RECOVERY_CODES)
    kinds = [
        _Ciphertexts(
            written(Authenticator).exclude(secret__startswith=newest), "secret", secrets.reseal
        ),
        _Ciphertexts(
            sealed.exclude(code__startswith=SEALED + newest), "code", recovery_codes.reseal, SEALED
        ),
        _Ciphertexts(pending.exclude(seal__startswith=newest), "seal", upgrades.reseal),
    ]
    progress = Progress(sum(kind.rows.count() for kind in kinds), 0, {})
    yield progress
    for kind in kinds:
        for batch in batches(kind.rows, batch_size):
            _rotate(kind, batch, progress)
            yield progress


def seal_recovery_codes(batch_size: int) -> Iterator[upgrades.Progress]:
    """
    Encrypt the hashes of recovery codes that are not encrypted yet. This is a step of an upgrade.

    Args:
        batch_size: number of rows per transaction.
    """
    plain = _Ciphertexts(
        written(RecoveryCode).exclude(code__startswith=SEALED), "code", recovery_codes.reseal
    )
    progress = upgrades.Progress(plain.rows.count())
    yield progress
    for batch in batches(plain.rows, batch_size):
        _rotate(plain, batch, Progress(0, 0, {}))
        progress.done += len(batch)
        yield progress


@sensitive_variables("stored", "changes")
def _rotate(kind: _Ciphertexts, batch: list[Model], progress: Progress) -> None:
    changes = []
    for row in batch:
        stored = getattr(row, kind.field)
        try:
            kind.reseal(row)
        except EncryptionError:
            name = row.pk if isinstance(row, Authenticator) else f"{row._meta.model_name} {row.pk}"
            progress.unreadable[name] = encrypted_with(stored.removeprefix(kind.start))
        else:
            changes.append((row, stored))
    # Secrets are encrypted before the transaction, in which SQLite blocks other writers.
    updates.replace_ciphertexts(kind.rows.model, kind.field, changes)
    progress.rotated += len(changes)
