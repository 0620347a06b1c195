"""
The mark in Redis that a code is used: the highest consumed counter of an authenticator.

A script takes the mark in one atomic step. It is kept for an hour, which is longer than any code is
accepted, because the database stores the counter permanently. While this is not certain, as in a
transaction that may be rolled back, it is kept for a year.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

from swap_user.otp.challenges.challenge import Challenge
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.store import keys, scripts
from swap_user.otp.store.budgets import HOUR, YEAR
from swap_user.otp.throttling.guesses import Attempt

# Lifetimes of the mark in milliseconds.
_USUAL = HOUR * 1000
_LONG = YEAR * 1000

_TAKE = scripts.JSONScript(scripts.read("take_mark"))
_KEEP = scripts.Script(scripts.read("keep_mark"))
_GIVE_BACK = scripts.Script(scripts.read("give_back_mark"))

NO_ATTEMPT = Attempt()


@dataclass(frozen=True, slots=True)
class Mark:
    """
    A mark that this request has set.

    Attributes:
        key: the Redis key.
        counter: the consumed counter: that of the code, or a higher one of the same flow.
        before: the counter that the mark had before, or "".
        codes_key: the Redis key of the pending challenges that were used up, or None.
        codes: their value before, or "".
    """

    key: str
    counter: int
    before: str
    codes_key: str | None = None
    codes: str = ""

    not_saved: str = field(default="use of a code not saved", init=False)

    def keep(self) -> None:
        """
        Keep the mark for a year: the database does not store the counter permanently yet.

        Raises:
            LoginUnavailable: Redis can't be reached.
        """
        _KEEP({"mark": self.key}, counter=str(self.counter), lifetime=_LONG)

    def settle(self) -> None:
        """Keep the mark for an hour from now: the database stores the counter permanently."""
        with suppress(LoginUnavailable):  # it is kept for longer
            _KEEP({"mark": self.key}, counter=str(self.counter), lifetime=_USUAL)

    def give_back(self) -> None:
        """Remove the mark: the counter was not consumed."""
        with suppress(LoginUnavailable):
            _GIVE_BACK(
                {"mark": self.key, "codes": self.codes_key},
                counter=str(self.counter),
                before=self.before,
                lifetime=_LONG,
                codes=self.codes,
            )


def take(
    account_key: str,
    owner: str,
    counter: int,
    *,
    challenge: Challenge | None = None,
    attempt: Attempt = NO_ATTEMPT,
) -> Mark | None:
    """
    Set the mark and return it, or None if the counter is used.

    Args:
        account_key: the account key, see ``keys.account_key()``.
        owner: identifies the authenticator or the recovery code.
        counter: the counter to consume.
        challenge: the challenge of a sent code, or None.
        attempt: the attempt, which is no guess: what it was charged is refunded.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    key = keys.redis_key(account_key, "consumed", owner)
    codes_key = challenge.key if challenge else None
    taken = _TAKE(
        {"mark": key, "codes": codes_key, "open": attempt.place.key},
        counter=str(counter),
        lifetime=_USUAL,
        id=attempt.place.id,
        budgets=attempt.charged,
    )
    if taken is None:
        return None
    return Mark(key, int(taken["counter"]), taken["before"], codes_key, taken["codes"])
