"""The sessions of a user: list them, and end one or all of them, by their records (R52)."""

import uuid
from typing import Any

from django.http import HttpRequest

from swap_user.models import LoginSession
from swap_user.otp.availability import report_session_outage
from swap_user.otp.sessions import engines, records, unrecorded
from swap_user.signals import sessions_ended


def sessions_of(user: Any) -> list[LoginSession]:
    """
    Return the records of the sessions in which a user is logged in, the newest request first.

    The records of sessions that have expired or ended are left out.

    Args:
        user: the user.

    Raises:
        LoginUnavailable: the cache that holds the sessions can't be reached.
    """
    found = list(records.rows().filter(user_id=user.pk).order_by("-last_seen_at", "pk"))
    with report_session_outage(OSError):
        live = engines.existing([row.session_key for row in found])
    return [row for row in found if row.session_key in live]


def end_session(user: Any, session_id: uuid.UUID | str) -> bool:
    """
    End one session of a user.

    Args:
        user: the user.
        session_id: the ``id`` of the record, see ``sessions_of()``.

    Returns:
        False if the user has no such session.

    Raises:
        LoginUnavailable: the cache that holds the sessions can't be reached.
    """
    try:
        row_id = session_id if isinstance(session_id, uuid.UUID) else uuid.UUID(session_id)
    except (AttributeError, TypeError, ValueError):
        return False
    keys = dict(records.rows().filter(user_id=user.pk, pk=row_id).values_list("pk", "session_key"))
    _end(user, keys)
    return bool(keys)


def end_recorded(user: Any, *, keep: HttpRequest | None = None) -> None:
    """
    End the sessions of a user that have a record.

    While the sessions of before the upgrade are not recorded yet, those in the database are
    searched too, unless the user has a security stamp, which has already ended them.

    Args:
        user: the user.
        keep: the request whose session does not end, or None.

    Raises:
        LoginUnavailable: the cache that holds the sessions can't be reached.
    """
    kept = keep.session.session_key if keep is not None else None
    # If the session got a new key in this request, its record may still have the former one.
    note = records.read_note(keep.session) if keep is not None else None
    found = records.rows().filter(user_id=user.pk).values_list("pk", "session_key")
    others = {row_id: key for row_id, key in found if key != kept}
    if note is not None:
        others.pop(note.id, None)
    _end(user, others)
    if not hasattr(user, "rotate_security_stamp") and unrecorded.is_pending():
        with report_session_outage(OSError):
            engines.delete(unrecorded.keys_of(user, kept))


def _end(user: Any, keys: dict[uuid.UUID, str]) -> None:
    """Delete sessions, and then their records, so that after a failure the rest is still found."""
    if not keys:
        return
    with report_session_outage(OSError):
        engines.delete(keys.values())
    records.delete(keys)
    sessions_ended.send_robust(LoginSession, user=user, number=len(keys))
