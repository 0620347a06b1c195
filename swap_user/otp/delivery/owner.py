"""The language and the time zone in which the owner of an account is notified."""

import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from django.conf import settings
from django.utils import timezone, translation

from swap_user.otp.senders import AbstractOTPSender
from swap_user.otp.visitors import known_browsers


@dataclass(frozen=True)
class Seen:
    """
    What was active in a login of the owner, as a known browser stores it.

    Attributes:
        language: a language code, or "" if it is not known.
        time_zone: the name of a time zone, or "" for TIME_ZONE.
    """

    language: str = ""
    time_zone: str = ""


def last_seen(user: Any, *, at: float | None = None, acting: str = "") -> Seen:
    """
    Return the language and the time zone of the user's last login in a known browser.

    The request that caused the notice may be an attacker's. So its browser counts only if no other
    one is known.

    Args:
        user: the owner of the account.
        at: time of the event, Unix time in seconds, or None. Later logins do not count.
        acting: the hash of the browser that made the request, or "".
    """
    rows = known_browsers.of_user(user).exclude(language="")
    if at is not None:
        before = datetime.fromtimestamp(at, tz=UTC if settings.USE_TZ else None)
        rows = rows.filter(logged_in_at__lt=before)
    found = list(rows.values_list("browser", "language", "time_zone"))
    found.sort(key=lambda row: row[0] == acting)  # the newest stays first among the others
    return Seen(*found[0][1:]) if found else Seen()


@contextmanager
def words_of(user: Any, sender: AbstractOTPSender, seen: Seen) -> Iterator[None]:
    """
    Activate the language and the time zone of a user.

    They are what the sender says, or else what was seen last, or else LANGUAGE_CODE and TIME_ZONE.

    Args:
        user: the owner of the account.
        sender: the sender that notifies.
        seen: what ``last_seen()`` returned.
    """
    language = _language(sender.get_language(user), seen.language)
    zone = _zone(sender.get_timezone(user), seen.time_zone)
    with translation.override(language), timezone.override(zone):
        yield


def _language(*candidates: object) -> str:
    """Return the first language that the site has, or LANGUAGE_CODE."""
    for each in candidates:
        code = str(each or "").replace("_", "-")
        try:
            return translation.get_supported_language_variant(code)
        except LookupError:
            continue
    return settings.LANGUAGE_CODE


def _zone(*candidates: object) -> tzinfo:
    """Return the first time zone that exists, or TIME_ZONE."""
    for each in candidates:
        if isinstance(each, tzinfo):
            return each
        try:
            if each:
                return zoneinfo.ZoneInfo(str(each))
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return timezone.get_default_timezone()
