"""
Single use: a counter is consumed once, by the first of several requests.

A script in Redis consumes the counter in one atomic step, and one UPDATE stores it permanently in
the database. Each of the two would be enough. With both, a code is used only once even if Redis or
the database is restored from a backup.
"""

from typing import Any

from django.utils import timezone

from swap_user.models import Authenticator
from swap_user.otp.authenticators import queries
from swap_user.otp.authenticators.secrets import is_stale, reseal
from swap_user.otp.challenges.challenge import Challenge
from swap_user.otp.store import keys, scripts
from swap_user.otp.throttling.guesses import Charge

# How long Redis stores the highest consumed counter of an authenticator (its mark), in seconds:
# longer than any code is accepted. The database stores the counter permanently.
_MARK_SECONDS = 3600

# KEYS: the authenticator's mark; the challenge, or the mark again if there is none; the record
# that this address has requested a code; the budgets that the attempt was charged to.
# ARGV: the counter; lifetime of the mark in milliseconds; the challenge's value, or ""; the entry
# of the attempt in its budgets; for each budget, the number of its entries.
_CONSUME = scripts.Script(
    """
    -- A right code is not a guess, so its charge is refunded, even if the code is already used
    -- (after a double click). Charges of other attempts stay.
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
        charge: the charge of the attempt, which is refunded (R18).
        asked_key: the Redis key of the record that this address has requested a code. It is
            deleted, so that the address counts as new again. "" if there is no such key.

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
    Save ``counter`` as consumed, and return whether the stored counter was lower.

    If the secret is not encrypted with the first key, the same UPDATE saves it encrypted again.
    """
    changes: dict[str, Any] = {"consumed": counter, "last_used_at": timezone.now()}
    if is_stale(authenticator):
        reseal(authenticator)
        changes["secret"] = authenticator.secret
    return queries.raise_mark(authenticator, counter, changes)
