"""
Single use: a counter is consumed once, by whichever request is first.

Redis decides in one atomic step, and one UPDATE in the database makes the decision permanent.
Each of the two would be enough alone. Both together also hold when one of them is restored from
a backup.
"""

from typing import Any

from django.utils import timezone

from swap_user.models import Authenticator
from swap_user.otp.authenticators import queries
from swap_user.otp.authenticators.secrets import is_stale, reseal
from swap_user.otp.challenges.challenge import Challenge
from swap_user.otp.store import keys, scripts
from swap_user.otp.throttling.guesses import Charge

# Longer than any acceptance window. The permanent mark is in the database.
_MARK_SECONDS = 3600

# KEYS: the authenticator's mark; the challenge, or the mark again if there is none; the record
# that this address has requested a code; the budgets that the attempt was charged to.
# ARGV: the counter; lifetime of the mark in milliseconds; the challenge's value, or ""; the entry
# of the attempt in its budgets; for each budget, the number of its entries.
_CONSUME = scripts.Script(
    """
    -- A right code is not a guess, so its charge is given back, even if the code is used already
    -- (a double click). Charges of other attempts stay.
    for i = 4, #KEYS do redis.call('LREM', KEYS[i], -tonumber(ARGV[i + 1]), ARGV[4]) end
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


def consume(
    account_key: str,
    authenticator: Authenticator,
    counter: int,
    *,
    challenge: Challenge | None = None,
    charge: Charge = NO_CHARGE,
    asked_key: str = "",
) -> bool:
    """
    Consume ``counter`` and return whether it was unused (RFC 6238 section 5.2).

    Args:
        account_key: the account key, see ``keys.account_key()``.
        authenticator: the authenticator that the counter belongs to.
        counter: the counter of the right code.
        challenge: the challenge of a sent code; None for an authenticator app.
        charge: the charge of the attempt. It is given back (R18).
        asked_key: the Redis key of the record that this address has requested a code. It is
            deleted, so that the address counts as new again. "" for none.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    return mark_in_redis(
        account_key,
        authenticator,
        counter,
        challenge=challenge,
        charge=charge,
        asked_key=asked_key,
    ) and _mark_in_database(authenticator, counter)


def mark_in_redis(
    account_key: str,
    authenticator: Authenticator,
    counter: int,
    *,
    challenge: Challenge | None = None,
    charge: Charge = NO_CHARGE,
    asked_key: str = "",
) -> bool:
    """Do only the atomic step in Redis; see consume()."""
    mark = keys.redis_key(account_key, "consumed", authenticator.pk.hex)
    return bool(
        _CONSUME(
            [
                mark,
                challenge.key if challenge else mark,
                asked_key or keys.redis_key(account_key, "asked"),
                *(key for key, _ in charge.entries),
            ],
            [
                counter,
                _MARK_SECONDS * 1000,
                challenge.value if challenge else "",
                charge.entry,
                *(count for _, count in charge.entries),
            ],
        )
    )


def _mark_in_database(authenticator: Authenticator, counter: int) -> bool:
    """
    Raise the permanent mark to ``counter``, unless it is there or above already.

    The same UPDATE encrypts the secret again if an older key was used.
    """
    changes: dict[str, Any] = {"consumed": counter, "last_used_at": timezone.now()}
    if is_stale(authenticator):
        reseal(authenticator)
        changes["secret"] = authenticator.secret
    return queries.raise_mark(authenticator, counter, changes)
