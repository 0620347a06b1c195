"""
Key rotation: every secret encrypted anew with the first key.

[k1] becomes [k2, k1], all is rotated, then k1 is taken away. What is done stays done, so an
interrupted rotation is resumed by starting it again; logins go on meanwhile.
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
    How far a rotation has come.

    Args:
        total: how many secrets were to be rotated when it began.
        rotated: how many were, by it or meanwhile by a login.
        unreadable: ids of authenticators whose secret can't be read, and the id of its key.
    """

    total: int
    rotated: int
    unreadable: dict[UUID, str]


def rotate_keys(*, batch_size: int = BATCH_SIZE) -> Iterator[Progress]:
    """
    Encrypt every secret with the first key, and yield after each batch.

    Args:
        batch_size: how many secrets one transaction takes.
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
    # Encrypted before, written in one go: SQLite lets nobody else write in a transaction.
    queries.replace_secrets(changes)
    progress.rotated += len(changes)
