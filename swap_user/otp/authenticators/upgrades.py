"""
Steps of an upgrade from an earlier version, which are finished once all servers are new.

A migration records the steps of an installation that already has users. While a step is pending,
the old form of its data is accepted, and written, so that servers of the earlier version work. The
command ``finish_otp_upgrade`` converts the data, and the old form is refused from then on.

The state is encrypted, so that an old form can't be brought back by inserting a row with SQL. (A
row that was copied before the upgrade was finished can be inserted again, as by a restore of the
database.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connections, router

from swap_user.models import PendingUpgrade
from swap_user.otp.authenticators.secrets import keyring
from swap_user.otp.exceptions import EncryptionError
from swap_user.users.databases import atomic, written

RECOVERY_CODES = "recovery codes"
"""Recovery codes whose hash is not encrypted are accepted."""

# The old form is read and written; it is read, and not written any more.
_OPEN, _CLOSING = "open", "closing"

# Steps that are known to be finished, by database and, in a multi-tenant project, schema.
_finished: set[tuple[object, ...]] = set()


@dataclass(slots=True)
class Progress:
    """
    The progress of a step.

    Attributes:
        total: number of rows to convert, counted at the start.
        done: number of rows that were converted.
    """

    total: int
    done: int = 0


def sealed_state(name: str) -> str:
    """Return the ``seal`` of the row with which a migration records that a step is pending."""
    return _seal(name, _OPEN)


def is_pending(name: str) -> bool:
    """
    Return whether the old form is accepted.

    The answer "no" is stored for the life of the process. So there is no query for it once the
    upgrade is finished.
    """
    key = _key(name)
    if key in _finished:
        return False
    state = _state(written(PendingUpgrade).filter(name=name).first())
    if not state:
        _finished.add(key)
    return bool(state)


def is_old_form_written(name: str) -> bool:
    """
    Return whether the old form must be written. Call it in the transaction that writes.

    The row is locked until the end of that transaction, so that ``finish()`` waits for it.
    """
    key = _key(name)
    if key in _finished:
        return False
    rows = written(PendingUpgrade).select_for_update()
    return _state(rows.filter(name=name).first()) == _OPEN


def recorded() -> list[str]:
    """Return the names of the pending steps, including those whose state can't be decrypted."""
    return list(written(PendingUpgrade).order_by("name").values_list("name", flat=True))


def finish(
    name: str, convert: Callable[[int], Iterator[Progress]], *, batch_size: int
) -> Iterator[Progress]:
    """
    Convert the rows of a step, and refuse the old form from then on. Yield the progress.

    Args:
        name: the name of the step.
        convert: converts all rows in batches of a given size, and yields the progress after each.
            It continues where it was interrupted.
        batch_size: number of rows per transaction.
    """
    with atomic(PendingUpgrade):
        # It waits for transactions that write the old form. Later ones write the new form.
        row = written(PendingUpgrade).select_for_update().filter(name=name).first()
        if row is None:
            return
        row.seal = _seal(name, _CLOSING)
        row.save(using=row._state.db)
    yield from convert(batch_size)
    written(PendingUpgrade).filter(name=name).delete()


def reseal(row: PendingUpgrade) -> None:
    """
    Encrypt the state again with the first key, without saving.

    Raises:
        EncryptionError: the state can't be decrypted.
    """
    row.seal = _seal(row.name, _decrypt(row))


def _seal(name: str, state: str) -> str:
    return keyring().encrypt(state, associated_data=_associated_data(name))


def _decrypt(row: PendingUpgrade) -> str:
    return keyring().decrypt(row.seal, associated_data=_associated_data(row.name))


def _state(row: PendingUpgrade | None) -> str:
    """Return the state of a step, or "" if it is finished or can't be decrypted."""
    if row is None:
        return ""
    try:
        return _decrypt(row)
    except EncryptionError:
        return ""


def _associated_data(name: str) -> str:
    return f"pending upgrade|{name}"


def _key(name: str) -> tuple[object, ...]:
    connection: Any = connections[router.db_for_write(PendingUpgrade)]
    schema = getattr(connection, "schema_name", "")
    return name, connection.alias, connection.settings_dict["NAME"], schema
