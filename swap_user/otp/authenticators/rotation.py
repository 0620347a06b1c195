"""
Key rotation: encrypt all secrets with the first key.

The project changes OTP_ENCRYPTION_KEYS from [k1] to [k2, k1], rotates, and then removes k1. Users
can log in during a rotation. An interrupted rotation continues when it is started again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.views.decorators.debug import sensitive_variables

from swap_user.models import Authenticator
from swap_user.otp.authenticators import queries
from swap_user.otp.authenticators.secrets import keyring, reseal
from swap_user.otp.crypto.keyring import encrypted_with, prefix
from swap_user.otp.exceptions import EncryptionError

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
            key that it was encrypted with.
    """

    total: int
    rotated: int
    unreadable: dict[UUID, str]


def rotate_keys(*, batch_size: int = BATCH_SIZE) -> Iterator[Progress]:
    """
    Encrypt all secrets with the first key, and yield the progress after each batch.

    Args:
        batch_size: number of secrets per transaction.
    """
    newest = prefix(keyring().primary_id)
    stale = Authenticator.objects.exclude(secret__startswith=newest).order_by("pk")
    progress = Progress(stale.count(), 0, {})
    yield progress
    batch = list(stale[:batch_size])
    while batch:
        _rotate(batch, progress)
        yield progress
        batch = list(stale.filter(pk__gt=batch[-1].pk)[:batch_size])


@sensitive_variables("stored", "changes")
def _rotate(batch: list[Authenticator], progress: Progress) -> None:
    changes = []
    for authenticator in batch:
        stored = authenticator.secret
        try:
            reseal(authenticator)
        except EncryptionError:
            progress.unreadable[authenticator.pk] = encrypted_with(stored)
        else:
            changes.append((authenticator, stored))
    # Secrets are encrypted before the transaction, in which SQLite blocks other writers.
    queries.replace_secrets(changes)
    progress.rotated += len(changes)
