"""
The one place that decides whether a code lets somebody in.

In this order: what waits in Redis, one SELECT, every candidate compared, the counter consumed.
"""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.views.decorators.debug import sensitive_variables

from swap_user import identity
from swap_user.models import Authenticator
from swap_user.otp import accounts, codes, replay, store
from swap_user.otp import challenge as challenges
from swap_user.otp.authenticators import open_secret
from swap_user.otp.challenge import Challenge
from swap_user.otp.exceptions import EncryptionError

logger = logging.getLogger("swap_user.security")

# RFC 4226 section 7.4: how far an HOTP authenticator may have run ahead.
LOOK_AHEAD = 10


@dataclass(frozen=True, slots=True)
class Candidate:
    """
    A code that would be right.

    Args:
        authenticator: whose it is.
        counter: what it is computed from.
        expected: the code itself.
        challenge: the one that waits for it, for a sent code.
    """

    authenticator: Authenticator
    counter: int
    expected: str
    challenge: Challenge | None = None

    def __repr__(self) -> str:
        return f"<Candidate {self.authenticator.type} {self.counter}>"


@sensitive_variables("typed", "code", "found", "match")
def verify(
    username: object,
    typed: object,
    flow: str | None,
    *,
    allowed: Callable[[Any], bool] = accounts.is_active,
) -> AbstractBaseUser | None:
    """
    Return the user whom this code lets in, or None; the code is used up then.

    Args:
        username: as somebody typed it.
        typed: the code as somebody typed it.
        flow: the session they sit in, as ``flow.current`` gives it.
        allowed: says whether a user may log in at all.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    now = time.time()
    name = identity.normalize(username)
    code = codes.normalize(typed)
    account = store.account_key(name)
    if not name or code is None:
        _refuse(account, "malformed")
        return None

    pending = challenges.pending(account, flow, now=now)
    authenticators = _authenticators(name)
    found = candidates(authenticators, pending, now=now)
    match = choose(code, found)

    if match is None:
        _refuse(account, "wrong" if authenticators else "unknown")
        return None
    user = match.authenticator.user
    if not allowed(user):
        _refuse(account, "inactive")
        return None
    if not replay.consume(account, match.authenticator, match.counter, match.challenge):
        _refuse(account, "used")
        return None
    logger.info("code accepted: user=%s factor=%s", user.pk, match.authenticator.type)
    return user


@sensitive_variables("secret")
def candidates(
    authenticators: Iterable[Authenticator], pending: Sequence[Challenge], *, now: float
) -> list[Candidate]:
    """
    Return every code that is right now, those that were used already included.

    Args:
        authenticators: the user's.
        pending: the challenges whose sent codes count in this flow.
        now: Unix time in seconds.
    """
    found = []
    for authenticator in authenticators:
        try:
            secret = open_secret(authenticator)
        except EncryptionError as error:
            logger.error("secret unreadable: authenticator=%s reason=%s", authenticator.pk, error)
            continue
        for counter, challenge in _counters(authenticator, pending, now):
            digits = authenticator.digits if challenge is None else challenge.digits
            expected = codes.hotp(secret, counter, digits=digits, algorithm=authenticator.algorithm)
            found.append(Candidate(authenticator, counter, expected, challenge))
    return found


def choose(code: str, found: Sequence[Candidate]) -> Candidate | None:
    """
    Return the candidate that ``code`` matches, a fresh one rather than a used one.

    All are compared, so that neither time nor count tells which it was.
    """
    matching = codes.matches(code, [candidate.expected for candidate in found])
    hits = [candidate for candidate, hit in zip(found, matching, strict=True) if hit]
    fresh = [hit for hit in hits if hit.counter > hit.authenticator.consumed]
    return next(iter(fresh or hits), None)


def _counters(
    authenticator: Authenticator, pending: Sequence[Challenge], now: float
) -> Iterable[tuple[int, Challenge | None]]:
    match authenticator.type:
        case Authenticator.Type.SENT:
            return [(challenge.counter, challenge) for challenge in pending]
        case Authenticator.Type.TOTP:
            step = codes.time_step(now, period=authenticator.period)
            return [(counter, None) for counter in codes.window(step)]
        case _:
            following = authenticator.consumed + 1
            return [(counter, None) for counter in range(following, following + LOOK_AHEAD)]


def _authenticators(name: str) -> list[Authenticator]:
    """Return all that the user of this name holds, with the user, in one SELECT."""
    users = accounts.named(name)
    return list(Authenticator.objects.select_related("user").filter(user__in=users))


def _refuse(account: str, reason: str) -> None:
    """Say why in the log, and nothing to the visitor."""
    logger.warning("code refused: account=%s reason=%s", account, reason)
