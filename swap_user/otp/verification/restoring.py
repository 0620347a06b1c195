"""
Raise the marks of used codes after the database was restored from a backup.

The backup does not know which codes were used since it was made.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils import timezone

from swap_user.conf import swap_user_settings
from swap_user.models import Authenticator, RecoveryCode
from swap_user.otp.challenges import challenge
from swap_user.otp.crypto import hotp
from swap_user.users.databases import written


@dataclass(frozen=True, slots=True)
class Restored:
    """
    What was raised, and what can't be.

    Attributes:
        raised: number of authenticators whose codes until now are refused.
        counter_based: number of counter-based authenticators. Which of their codes were used since
            the backup is not known.
        recovery_codes: number of recovery codes that are unused, as far as the backup knows.
    """

    raised: int
    counter_based: int
    recovery_codes: int


def raise_marks(*, now: float, users: Collection[object] | None = None) -> Restored:
    """
    Refuse all codes that sent messages and authenticator apps have shown until ``now``.

    Args:
        now: Unix time in seconds.
        users: primary keys of the users. None for all users.
    """
    rows = _of(users, written(Authenticator))
    raised = _raise(rows.filter(type=Authenticator.Type.SENT), challenge.earliest(now))
    apps = rows.filter(type=Authenticator.Type.TOTP)
    for period in apps.order_by().values_list("period", flat=True).distinct():
        last = hotp.time_step(now, period=period) + swap_user_settings.OTP_FUTURE_STEPS
        raised += _raise(apps.filter(period=period), last)
    return Restored(
        raised=raised,
        counter_based=rows.filter(type=Authenticator.Type.HOTP).count(),
        recovery_codes=_of(users, written(RecoveryCode)).filter(used_at=None).count(),
    )


def use_recovery_codes(users: Collection[object] | None = None) -> int:
    """
    Mark all unused recovery codes as used, and return their number.

    Args:
        users: primary keys of the users. None for all users.
    """
    unused = _of(users, written(RecoveryCode)).filter(used_at=None)
    return unused.update(used_at=timezone.now())


def _of(users: Collection[object] | None, rows: QuerySet) -> QuerySet:  # type: ignore[type-arg]
    return rows if users is None else rows.filter(user__in=users)


def _raise(rows: QuerySet[Authenticator], counter: int) -> int:
    return rows.filter(consumed__lt=counter).update(consumed=counter)
