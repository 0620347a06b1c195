"""
Single use: a counter is consumed once, whoever asks at the same time, whatever Redis forgets.

Redis decides in one atomic step; the database confirms in one UPDATE and remembers for good.
Either alone would let only one through; together they also hold when one of them is restored
from yesterday.
"""

from typing import Any

from django.utils import timezone

from swap_user.models import Authenticator
from swap_user.otp import statements, store
from swap_user.otp.authenticators import is_stale, reseal
from swap_user.otp.challenge import Challenge

# The durable mark is in the database; this one only has to outlive every open window.
_MARK_SECONDS = 3600

# KEYS: the mark of the authenticator, the challenge if there is one.
# ARGV: the counter, lifetime of the mark in milliseconds, the value of the challenge.
_CONSUME = store.Script(
    """
    if KEYS[2] and redis.call('GET', KEYS[2]) ~= ARGV[3] then return 0 end
    local mark = tonumber(redis.call('GET', KEYS[1]) or '-1')
    if mark >= tonumber(ARGV[1]) then return 0 end
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    if KEYS[2] then redis.call('DEL', KEYS[2]) end
    return 1
    """
)


def consume(
    account: str, authenticator: Authenticator, counter: int, challenge: Challenge | None
) -> bool:
    """
    Use ``counter`` up and say whether it was still to be had (RFC 6238 section 5.2).

    Args:
        account: as ``store.account_key`` gives it.
        authenticator: whose counter it is.
        counter: what the right code was computed from.
        challenge: the one that asked for this code, for a sent code.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    return guard(account, authenticator, counter, challenge) and _confirm(authenticator, counter)


def guard(
    account: str, authenticator: Authenticator, counter: int, challenge: Challenge | None = None
) -> bool:
    """Take the first half of consume(): the atomic step in Redis."""
    keys = [store.key(account, "consumed", authenticator.pk.hex)]
    args: list[str | int] = [counter, _MARK_SECONDS * 1000]
    if challenge is not None:
        keys.append(challenge.key)
        args.append(challenge.value)
    return bool(_CONSUME(keys, args))


def _confirm(authenticator: Authenticator, counter: int) -> bool:
    """
    Raise the durable high-water mark, unless it stands at ``counter`` or above already.

    In the same UPDATE a secret that was encrypted with an older key is written with the newest.
    """
    changes: dict[str, Any] = {"consumed": counter, "last_used_at": timezone.now()}
    if is_stale(authenticator):
        reseal(authenticator)
        changes["secret"] = authenticator.secret
    return statements.raise_mark(authenticator, counter, changes)
