"""
How much a guess weighs. The unit is one six-digit code that is right at the moment.

The more codes are right, the more probable it is that a guess hits one of them.
"""

import math
from collections.abc import Iterable

from swap_user.conf import limits, swap_user_settings
from swap_user.models import Authenticator
from swap_user.otp.crypto import hotp

MOST_SENT = 4
"""The most sent codes that are right in one flow: two of the flow and two without a flow (R55)."""


def weigh(expected: Iterable[str]) -> int:
    """
    Return the units of a guess at a short code: the number of six-digit codes that are right.

    A guess has at least the units of a usual one, so that all accounts allow the same number.

    Args:
        expected: all codes that are right now. A code of eight digits counts as a hundredth.
    """
    return _rounded(_share(len(code)) for code in expected)


def heaviest(authenticators: Iterable[Authenticator]) -> int:
    """
    Return the most units that a guess at an account can have, whatever is pending.

    Args:
        authenticators: those of the account, without the one for sent codes or with it.
    """
    settings = swap_user_settings
    counts = {
        Authenticator.Type.TOTP: settings.OTP_PAST_STEPS + 1 + settings.OTP_FUTURE_STEPS,
        # The codes ahead, and the one after a code that was far ahead.
        Authenticator.Type.HOTP: settings.OTP_LOOK_AHEAD + 1,
    }
    apps = [
        _share(each.digits) * counts[Authenticator.Type(each.type)]
        for each in authenticators
        if each.type in counts
    ]
    return _rounded([*apps, _share(settings.OTP_DIGITS) * MOST_SENT])


def _share(digits: int) -> float:
    return 10.0 ** (6 - digits) if digits < hotp.MAX_DIGITS else 0


def _rounded(shares: Iterable[float]) -> int:
    # The subtraction keeps floating point errors from being rounded up.
    return max(limits.USUAL_WEIGHT, math.ceil(sum(shares) - 1e-9))
