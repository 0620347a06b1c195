"""One attempt to log in: who makes it, what it was charged, and the state of the login in Redis."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from swap_user.otp.challenges.login_state import Pending
from swap_user.otp.throttling import guesses
from swap_user.otp.throttling.guesses import Attempt, ReachedLimit
from swap_user.otp.visitors.visitor import Visitor


class Refused(Exception):
    """The attempt is refused. The reason is logged. The visitor does not see it."""


class Wrong(Refused):
    """The code was compared, and is not right."""


class Limited(Exception):
    """
    A limit of the visitor's own is reached.

    Attributes:
        limit: the limit.
    """

    def __init__(self, limit: ReachedLimit) -> None:
        super().__init__(limit.scope)
        self.limit = limit


@dataclass(frozen=True, slots=True)
class Claim:
    """
    Who wants to log in.

    Attributes:
        name: the canonical username.
        account_key: the account key, see ``keys.account_key()``.
        visitor: the visitor who makes the attempt.
        allowed: a function that returns whether a user may log in at all.
        alone: whether the code must complete the login, because no other one can be asked for.
    """

    name: str
    account_key: str
    visitor: Visitor
    allowed: Callable[[Any], bool]
    alone: bool = False

    @property
    def browser(self) -> str:
        """The hash of the visitor's browser if its cookie says that it is known, or ""."""
        return self.visitor.known_browser(self.account_key)


@dataclass(frozen=True, slots=True)
class Login:
    """
    An attempt to log in that has begun.

    Attributes:
        claim: who wants to log in.
        now: Unix time in seconds.
        attempt: what the attempt was charged.
        pending: the state of the login in Redis.
    """

    claim: Claim
    now: float
    attempt: Attempt
    pending: Pending

    @property
    def flow(self) -> str | None:
        """The flow of the visitor."""
        return self.claim.visitor.flow


def begin(claim: Claim, code: str | None, *, is_known: bool = False) -> Login:
    """
    Charge an attempt, and read the state of the login.

    Args:
        claim: who wants to log in.
        code: the typed digits, or None for a recovery code.
        is_known: whether the browser counts as known for the account.

    Raises:
        Limited: a limit of the visitor's own is reached.
        LoginUnavailable: Redis can't be reached.
    """
    now = time.time()
    begun = guesses.begin(claim.account_key, code, claim.visitor, now=now, is_known=is_known)
    if isinstance(begun, ReachedLimit):
        raise Limited(begun)
    return Login(claim, now, *begun)
