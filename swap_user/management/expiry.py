"""
What is stored about visitors does not outlive its use, and loses what identifies a person sooner.

These are the records of sessions, known browsers and wrong guesses.
"""

from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from swap_user.conf import swap_user_settings
from swap_user.models import KnownBrowser
from swap_user.otp.sessions import engines, records
from swap_user.otp.visitors import known_browsers
from swap_user.users.databases import batches, written

BATCH_SIZE = 1000

# A record is younger than its session is saved, if the request of the login takes long.
_GRACE = timedelta(hours=1)


def tidy_records(batch_size: int = BATCH_SIZE) -> tuple[int, int]:
    """
    Delete the records of sessions that are gone, and blank browsers and networks that are old.

    Without the table of sessions, a session counts as gone only after it should have expired: a
    cache that does not answer is no proof.

    Args:
        batch_size: the number of records per transaction.

    Returns:
        The number of deleted records, and the number of blanked ones.
    """
    deleted = blanked = 0
    for batch in batches(records.rows(), batch_size):
        deleted += _delete_gone(batch)
        blanked += _blank_old(batch)
    return deleted, blanked


def _delete_gone(batch: list[Any]) -> int:
    now = timezone.now()
    candidates = [
        row
        for row in batch
        if row.created_at < now - _GRACE and (engines.tells_saves() or row.expires_at < now)
    ]
    live = engines.existing([row.session_key for row in candidates])
    gone = [row.pk for row in candidates if row.session_key not in live]
    records.delete(gone)
    return len(gone)


def _blank_old(batch: list[Any]) -> int:
    end = timezone.now() - timedelta(seconds=swap_user_settings.OTP_SESSION_RETENTION)
    old = records.rows().filter(
        ~Q(user_agent="") | ~Q(network=""), last_seen_at__lt=end, pk__in=[row.pk for row in batch]
    )
    return int(old.update(user_agent="", network=""))


def tidy_browsers() -> int:
    """
    Delete known browsers after a year, and blank their data after OTP_SESSION_RETENTION.

    Returns:
        The number of deleted browsers.
    """
    now, rows = timezone.now(), written(KnownBrowser)
    retention = timedelta(seconds=swap_user_settings.OTP_SESSION_RETENTION)
    identified = rows.filter(~Q(user_agent="") | ~Q(network=""))
    identified.filter(logged_in_at__lt=now - retention).update(user_agent="", network="")
    year = timedelta(seconds=known_browsers.MAX_AGE)
    deleted, _ = rows.filter(logged_in_at__lt=now - year).delete()
    return deleted
