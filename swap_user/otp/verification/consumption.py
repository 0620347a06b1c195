"""
Single use: a counter is consumed once, whoever asks at the same time, whatever Redis forgets.

Redis decides in one atomic step; the database confirms in one UPDATE and remembers for good.
Either alone would let only one through; together they also hold when one of them is restored
from yesterday.
"""

from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from swap_user.models import Authenticator
from swap_user.otp.authenticators import queries
from swap_user.otp.authenticators.secrets import is_stale, reseal
from swap_user.otp.challenges.challenge import Challenge
from swap_user.otp.store import keys, scripts
from swap_user.otp.throttling.guesses import Charge

# The durable mark is in the database; this one only has to outlive every open window.
_MARK_SECONDS = 3600

# KEYS: the mark of the authenticator; the challenge, or the mark again; where it lies that this
# address has asked; the budgets that the attempt was charged to.
# ARGV: the counter, lifetime of the mark in milliseconds; the value of the challenge, or ""; what
# stands in the budgets for the attempt, and how often in the first.
_CONSUME = scripts.Script(
    """
    for i = 4, #KEYS do
        redis.call('LREM', KEYS[i], -tonumber(i == 4 and ARGV[5] or 1), ARGV[4])
    end
    if ARGV[3] ~= '' and redis.call('GET', KEYS[2]) ~= ARGV[3] then return 0 end
    local mark = tonumber(redis.call('GET', KEYS[1]) or '-1')
    if mark >= tonumber(ARGV[1]) then return 0 end
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    if ARGV[3] ~= '' then redis.call('DEL', KEYS[2]) end
    redis.call('DEL', KEYS[3])
    return 1
    """
)


NO_CHARGE = Charge()


@dataclass(frozen=True, slots=True)
class Aftermath:
    """
    What a right code changes besides its own end.

    Args:
        paid: what the attempt was charged. A right code is no guess, so that is given back, also
            for one that is used already (a double click); what other attempts were charged is not
            (R18).
        asked: where it lies that this address has asked for a code; it is new again then.
    """

    paid: Charge = NO_CHARGE
    asked: str = ""


def consume(
    account_key: str,
    authenticator: Authenticator,
    counter: int,
    challenge: Challenge | None = None,
    aftermath: Aftermath = Aftermath(),
) -> bool:
    """
    Use ``counter`` up and say whether it was still to be had (RFC 6238 section 5.2).

    Args:
        account_key: as ``keys.account_key`` returns it.
        authenticator: whose counter it is.
        counter: what the right code was computed from.
        challenge: the one that asked for this code, for a sent code.
        aftermath: what else is done in the same step.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    return guard(account_key, authenticator, counter, challenge, aftermath) and _confirm(
        authenticator, counter
    )


def guard(
    account_key: str,
    authenticator: Authenticator,
    counter: int,
    challenge: Challenge | None = None,
    aftermath: Aftermath = Aftermath(),
) -> bool:
    """Take the first half of consume(): the atomic step in Redis."""
    mark = keys.redis_key(account_key, "consumed", authenticator.pk.hex)
    paid = aftermath.paid
    touched = [
        mark,
        challenge.key if challenge else mark,
        aftermath.asked or keys.redis_key(account_key, "asked"),
        *paid.keys,
    ]
    args: list[str | int] = [
        counter,
        _MARK_SECONDS * 1000,
        challenge.value if challenge else "",
        paid.entry,
        # Only strangers' budget holds a guess as often as it weighs.
        paid.weight if keys.redis_key(account_key, "guesses") in paid.keys else 1,
    ]
    return bool(_CONSUME(touched, args))


def _confirm(authenticator: Authenticator, counter: int) -> bool:
    """
    Raise the durable high-water mark, unless it stands at ``counter`` or above already.

    In the same UPDATE a secret that was encrypted with an older key is written with the newest.
    """
    changes: dict[str, Any] = {"consumed": counter, "last_used_at": timezone.now()}
    if is_stale(authenticator):
        reseal(authenticator)
        changes["secret"] = authenticator.secret
    return queries.raise_mark(authenticator, counter, changes)
