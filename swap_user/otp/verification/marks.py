"""
The mark in Redis that a code is used: the highest consumed counter of an authenticator.

A script takes the mark in one atomic step. It is kept for an hour, which is longer than any code is
accepted, because the database stores the counter permanently. While this is not certain, as in a
transaction that may be rolled back, it is kept for a year.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass

from swap_user.otp.challenges.challenge import Challenge
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.store import keys, scripts, windows
from swap_user.otp.throttling.guesses import Charge

# KEYS: the mark; the challenge, or the mark again if there is none; the record that this address
# has requested a code; the budgets that the attempt was charged to.
# ARGV: the counter; lifetime of the mark in milliseconds; the challenge's value, or ""; the entry
# of the attempt in its budgets; for each budget, the number of its entries.
_TAKE = scripts.Script(
    """
    -- A right code is not a guess, so its charge is refunded, even if the code is already used
    -- (after a double click). Charges of other attempts stay.
    for i = 4, #KEYS do redis.call('LREM', KEYS[i], -tonumber(ARGV[i + 1]), ARGV[4]) end
    if ARGV[3] ~= '' and redis.call('GET', KEYS[2]) ~= ARGV[3] then return false end
    local before = redis.call('GET', KEYS[1]) or ''
    if (tonumber(before) or -1) >= tonumber(ARGV[1]) then return false end
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    if ARGV[3] ~= '' then redis.call('DEL', KEYS[2]) end
    redis.call('DEL', KEYS[3])
    return before
    """
)

# KEYS: the mark. ARGV: the counter; lifetime of the mark in milliseconds. A mark of a higher
# counter stays as it is.
_KEEP = scripts.Script(
    """
    if tonumber(redis.call('GET', KEYS[1]) or '-1') <= tonumber(ARGV[1]) then
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    end
    """
)

# KEYS: the mark; the challenge, or the mark again. ARGV: the counter; the mark before it, or "";
# its lifetime in milliseconds; the challenge's value, or ""; its lifetime in milliseconds.
_GIVE_BACK = scripts.Script(
    """
    if redis.call('GET', KEYS[1]) ~= ARGV[1] then return end
    redis.call('DEL', KEYS[1])
    if ARGV[2] ~= '' then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
    if ARGV[4] ~= '' then redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[5], 'NX') end
    """
)

NO_CHARGE = Charge()


@dataclass(frozen=True, slots=True)
class Mark:
    """
    A mark that this request has set.

    Attributes:
        key: the Redis key.
        counter: the consumed counter.
        before: the counter that the mark had before, or "".
        challenge: the challenge that was deleted together with it, or None.
    """

    key: str
    counter: int
    before: str
    challenge: Challenge | None

    def keep(self) -> None:
        """
        Keep the mark for a year: the database does not store the counter permanently yet.

        Raises:
            LoginUnavailable: Redis can't be reached.
        """
        _KEEP([self.key], [self.counter, windows.YEAR])

    def settle(self) -> None:
        """Keep the mark for an hour from now: the database stores the counter permanently."""
        with suppress(LoginUnavailable):  # it is kept for longer
            _KEEP([self.key], [self.counter, windows.HOUR])

    def give_back(self) -> None:
        """Remove the mark: the counter was not consumed."""
        challenge, value, left = self.key, "", 1
        if self.challenge is not None:
            challenge, value = self.challenge.key, self.challenge.value
            left = max(1, self.challenge.expires_ms - int(time.time() * 1000))
        with suppress(LoginUnavailable):
            _GIVE_BACK(
                [self.key, challenge], [self.counter, self.before, windows.YEAR, value, left]
            )


def take(
    account_key: str,
    owner: str,
    counter: int,
    *,
    challenge: Challenge | None = None,
    charge: Charge = NO_CHARGE,
    asked_key: str = "",
) -> Mark | None:
    """
    Set the mark and return it, or None if the counter is used.

    Args:
        account_key: the account key, see ``keys.account_key()``.
        owner: identifies the authenticator or the recovery code.
        counter: the counter to consume.
        challenge: the challenge of a sent code, or None.
        charge: the charge of the attempt, which is refunded.
        asked_key: the Redis key of the record that this address has requested a code, or "".

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    key = keys.redis_key(account_key, "consumed", owner)
    before = _TAKE(
        [
            key,
            challenge.key if challenge else key,
            asked_key or keys.redis_key(account_key, "asked"),
            *(budget for budget, _ in charge.entries),
        ],
        [
            counter,
            windows.HOUR,
            challenge.value if challenge else "",
            charge.entry,
            *(count for _, count in charge.entries),
        ],
    )
    if before is None:
        return None
    before = before.decode() if isinstance(before, bytes) else before
    return Mark(key, counter, before, challenge)
