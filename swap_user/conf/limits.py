"""The limits of OTP_LIMITS as numbers, and the probability that a year of guessing succeeds."""

from typing import Literal, overload

from django.core.exceptions import ImproperlyConfigured

from swap_user.conf.keys import SwapUserSettings, swap_user_settings
from swap_user.conf.setting import NAMESPACE

USUAL_WEIGHT = 4
"""
The number of six-digit codes that a guess at an account usually competes with: three codes of an
authenticator app and one sent code.
"""

TRIES_PER_CODE = 5
"""
How many wrong ten-digit codes are compared with one sent code. It is not a setting: people need no
more, and an attacker who is stopped here needs another message, so the limits of messages decide.
"""

_LIMITS = SwapUserSettings.OTP_LIMITS.limits

# A code is computed from 31 bits (RFC 4226 section 5.3), whatever its number of digits.
_LONG_CODES = 2**31

_YEAR = 365 * 86_400

# The limits that always have a count. Only messages_per_site may have none.
Counted = Literal[
    "guesses_per_account",
    "known_guesses_per_account",
    "guesses_per_address",
    "asks_per_address",
    "messages_per_account",
    "known_messages_per_account",
    "newcomers_per_account",
    "newcomers_per_neighbourhood",
    "messages_per_receiver",
    "known_messages_per_receiver",
    "unknown_messages_per_receiver",
    "unknown_messages_per_site",
]


@overload
def limit(name: Counted) -> int: ...


@overload
def limit(name: str) -> int | None: ...


def limit(name: str) -> int | None:
    """
    Return how many are allowed within ``period(name)``. 0 allows none.

    Args:
        name: a key of ``OTP_LIMITS``.

    Returns:
        The count, or None for no limit. Only "messages_per_site" can be None.

    Raises:
        ImproperlyConfigured: ``OTP_LIMITS`` has a value that is not allowed.
        KeyError: there is no such limit.
    """
    declared = _LIMITS[name]
    value = swap_user_settings.OTP_LIMITS.get(name, declared.default)
    try:
        return declared.count(value)
    except ValueError as error:  # The dict was changed after it was validated.
        raise ImproperlyConfigured(f"{NAMESPACE}['OTP_LIMITS'][{name!r}] {error}") from None


def period(name: str) -> int:
    """
    Return the period of a limit, in seconds. It is the same in every project.

    Args:
        name: a key of ``OTP_LIMITS``.

    Raises:
        KeyError: there is no such limit.
    """
    return _LIMITS[name].seconds


def yearly_chance() -> float:
    """
    Return the probability that an attacker succeeds who guesses at one account for a year.

    It depends on the limits only, not on the number of addresses that the attacker has. The
    arithmetic is in ``docs/topics/limits.md``.

    Raises:
        ImproperlyConfigured: ``OTP_LIMITS`` has a value that is not allowed.
    """
    short = limit("guesses_per_account") * USUAL_WEIGHT / 10**6
    messages = sum(
        (limit(name) or 0) * _overlapping(period(name))
        for name in ("messages_per_account", "newcomers_per_account")
    )
    return short + messages * TRIES_PER_CODE / _LONG_CODES


def _overlapping(seconds: int) -> int:
    """Return how many consecutive periods of this length can overlap one year."""
    return -(-_YEAR // seconds) + 1
