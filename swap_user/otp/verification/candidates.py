"""
Candidates: the codes that would be right at this moment, and the one that was typed.

For a wrong code of a name that nobody has, as many secrets are opened and codes computed as for
most accounts, so that time does not tell who has one (R33). An account with more authenticators
than most, or with one that counts, takes longer.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.views.decorators.debug import sensitive_variables

from swap_user.conf import swap_user_settings
from swap_user.models import Authenticator
from swap_user.otp import audit
from swap_user.otp.authenticators import queries
from swap_user.otp.authenticators.secrets import keyring, open_secret, seal
from swap_user.otp.challenges import resync
from swap_user.otp.challenges.challenge import Challenge
from swap_user.otp.challenges.login_state import Pending
from swap_user.otp.challenges.resync import Far
from swap_user.otp.crypto import hotp
from swap_user.otp.crypto.keyring import Keyring
from swap_user.otp.exceptions import EncryptionError


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


def candidates(
    authenticators: Iterable[Authenticator], pending: Pending, *, now: float
) -> list[Candidate]:
    """
    Return every code that is right now, those that were used already included.

    Args:
        authenticators: the user's.
        pending: what Redis holds for this account and flow.
        now: Unix time in seconds.
    """
    return [
        candidate
        for authenticator in authenticators
        for candidate in _computed(authenticator, _counters(authenticator, pending, now))
    ]


@sensitive_variables("code", "found", "hits", "fresh", "matching")
def choose(code: str, found: Sequence[Candidate]) -> Candidate | None:
    """
    Return the candidate that ``code`` matches, a fresh one rather than a used one.

    All are compared, so that neither time nor count tells which it was.
    """
    matching = hotp.matches(code, [candidate.expected for candidate in found])
    hits = [candidate for candidate, hit in zip(found, matching, strict=True) if hit]
    fresh = [hit for hit in hits if hit.counter > hit.authenticator.consumed]
    return next(iter(fresh or hits), None)


@sensitive_variables("code", "found", "hit")
def far_ahead(code: str, authenticators: Iterable[Authenticator]) -> Far | None:
    """
    Return the counter beyond the look-ahead that ``code`` belongs to, if it is an HOTP code.

    Args:
        code: one that no candidate matched.
        authenticators: the user's.
    """
    found = [
        candidate
        for authenticator in authenticators
        if authenticator.type == Authenticator.Type.HOTP
        for candidate in _computed(authenticator, _beyond(authenticator))
    ]
    hit = choose(code, found)
    return Far(hit.authenticator.pk.hex, hit.counter) if hit else None


Counters = Iterable[tuple[int, Challenge | None]]


@sensitive_variables("secret", "expected")
def _computed(authenticator: Authenticator, counters: Counters) -> Iterable[Candidate]:
    try:
        secret = open_secret(authenticator)
        code = hotp.HOTP(secret, digits=authenticator.digits, algorithm=authenticator.algorithm)
        for counter, challenge in counters:
            if challenge is not None:
                code.digits = challenge.digits
            expected = code.at(counter)
            yield Candidate(authenticator, counter, expected, challenge)
    except EncryptionError as error:
        # The user's other authenticators go on working.
        audit.record(
            logging.ERROR, "secret unreadable", authenticator=authenticator.pk, reason=error
        )


# What a user has who has enrolled an app and asked for a code.
_OPENED = 2


def compute_missing(opened: int, computed: int) -> None:
    """
    Do the rest of the work that checking most accounts takes; where no code was right.

    Args:
        opened: how many authenticators there were.
        computed: how many codes.
    """
    queries.build_missing_rows(opened, _OPENED)
    authenticator, secret = _decoy(keyring())
    for _ in range(opened, _OPENED):
        open_secret(authenticator)
    # The codes of the app's time steps, that of this flow, and perhaps one of no flow.
    of = swap_user_settings
    for counter in range(computed, of.OTP_PAST_STEPS + of.OTP_FUTURE_STEPS + 3):
        hotp.code_at(secret, counter)


@lru_cache(maxsize=4)
def _decoy(keys: Keyring) -> tuple[Authenticator, str]:
    authenticator, secret = Authenticator(type=Authenticator.Type.TOTP), hotp.generate_secret()
    seal(authenticator, secret)
    return authenticator, secret


def _counters(authenticator: Authenticator, pending: Pending, now: float) -> Counters:
    match authenticator.type:
        case Authenticator.Type.SENT:
            return [(challenge.counter, challenge) for challenge in pending.challenges]
        case Authenticator.Type.TOTP:
            steps = hotp.window(
                hotp.time_step(now, period=authenticator.period),
                past=swap_user_settings.OTP_PAST_STEPS,
                future=swap_user_settings.OTP_FUTURE_STEPS,
            )
            return [(counter, None) for counter in steps]
        case _:
            # The last used one too, so that a double click is told from a guess.
            last = authenticator.consumed
            ahead = list(range(max(0, last), last + 1 + swap_user_settings.OTP_LOOK_AHEAD))
            far = pending.far
            if far is not None and far.authenticator == authenticator.pk.hex:
                ahead.append(far.counter + 1)
            return [(counter, None) for counter in ahead]


def _beyond(authenticator: Authenticator) -> Counters:
    first = authenticator.consumed + 1 + swap_user_settings.OTP_LOOK_AHEAD
    return [(counter, None) for counter in range(first, first + resync.REACH)]
