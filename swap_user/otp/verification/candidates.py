"""
Candidates: the codes that are right at the moment, and the comparison of a typed code with them.

For an unknown username, as many secrets are decrypted and as many codes are computed as for most
accounts, so that the time does not reveal whether the account exists (R33). The check takes longer
for an account with more authenticators than usual or with an HOTP authenticator.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.views.decorators.debug import sensitive_variables

from swap_user.conf import swap_user_settings
from swap_user.models import Authenticator
from swap_user.otp import audit
from swap_user.otp.authenticators.queries import AuthenticatorQuery
from swap_user.otp.authenticators.secrets import keyring, open_secret, seal
from swap_user.otp.challenges import resync
from swap_user.otp.challenges.challenge import Challenge
from swap_user.otp.challenges.login_state import Pending
from swap_user.otp.challenges.resync import Far
from swap_user.otp.crypto import hotp
from swap_user.otp.crypto.keyring import Keyring
from swap_user.otp.exceptions import EncryptionError
from swap_user.otp.throttling.weights import MOST_SENT
from swap_user.users import usernames

# No code is ever accepted because of it.
_MADE_UP_SECRET = hotp.generate_secret()


@dataclass(frozen=True, slots=True)
class Candidate:
    """
    A code that is right at the moment.

    Attributes:
        authenticator: the authenticator of the code.
        counter: the counter of the code.
        expected: the code.
        challenge: the challenge of a sent code, or None.
    """

    authenticator: Authenticator
    counter: int
    expected: str
    challenge: Challenge | None = None

    def __repr__(self) -> str:
        return f"<Candidate {self.authenticator.type} {self.counter}>"


def candidates(
    authenticators: Iterable[Authenticator], pending: Pending, *, sent_digits: int, now: float
) -> list[Candidate]:
    """
    Return all codes that are right at the moment, including used ones.

    Args:
        authenticators: the authenticators of the user.
        pending: the state of the login in Redis.
        sent_digits: number of digits of sent codes: a challenge accepts the short and the long one.
        now: Unix time in seconds.
    """
    return [
        candidate
        for authenticator in authenticators
        for candidate in _computed(
            authenticator, _counters(authenticator, pending, now), sent_digits
        )
    ]


@sensitive_variables("code", "found", "hits", "fresh", "matching")
def choose(code: str, found: Sequence[Candidate]) -> Candidate | None:
    """
    Return the candidate that ``code`` matches, an unused one if possible, or None.

    ``code`` is compared with all candidates, so that the time does not reveal which one matched.
    """
    matching = hotp.matches(code, [candidate.expected for candidate in found])
    hits = [candidate for candidate, hit in zip(found, matching, strict=True) if hit]
    fresh = [hit for hit in hits if hit.counter > hit.authenticator.consumed]
    return next(iter(fresh or hits), None)


@sensitive_variables("code", "found", "hit")
def far_ahead(code: str, authenticators: Iterable[Authenticator]) -> Far | None:
    """
    Return the HOTP counter beyond the look-ahead that ``code`` belongs to, or None.

    Args:
        code: a code that matches no candidate.
        authenticators: the authenticators of the user.
    """
    found = [
        candidate
        for authenticator in authenticators
        if authenticator.type == Authenticator.Type.HOTP
        for candidate in _computed(authenticator, _beyond(authenticator), hotp.MAX_DIGITS)
    ]
    hit = choose(code, found)
    return Far(hit.authenticator.pk.hex, hit.counter) if hit else None


Counters = Iterable[tuple[int, Challenge | None]]


@sensitive_variables("secret", "expected")
def _computed(
    authenticator: Authenticator, counters: Counters, sent_digits: int
) -> Iterable[Candidate]:
    is_sent = authenticator.type == Authenticator.Type.SENT
    digits = sent_digits if is_sent else authenticator.digits
    try:
        secret = open_secret(authenticator)
        code = hotp.HOTP(secret, digits=digits, algorithm=authenticator.algorithm)
        for counter, challenge in counters:
            expected = code.at(counter)
            yield Candidate(authenticator, counter, expected, challenge)
    except EncryptionError as error:
        # Not raised, because the other authenticators of the user still work.
        audit.record(
            logging.ERROR, "secret unreadable", authenticator=authenticator.pk, reason=error
        )


def check_made_up(
    code: str,
    authenticators: Sequence[Authenticator],
    pending: Pending,
    *,
    query: AuthenticatorQuery,
    username: str,
    now: float,
) -> None:
    """
    Compare a wrong code with made-up codes in place of missing ones.

    Most accounts have two authenticators: one for sent codes and an app. Only they can have pending
    sent codes, whose number depends on the messages of the last minutes. This function does the
    missing work for accounts with fewer authenticators or codes and for unknown usernames, so that
    they take the same time (R33).

    Args:
        code: the code.
        authenticators: the authenticators of the account, empty for an unknown username.
        pending: the state of the login in Redis.
        query: the query that returned ``authenticators``.
        username: the canonical username.
        now: Unix time in seconds.
    """
    types = {each.type == Authenticator.Type.SENT for each in authenticators}
    made_up = [
        each
        for each in _made_up_authenticators(keyring())
        if (each.type == Authenticator.Type.SENT) not in types
    ]
    for row in query.made_up_rows(len(made_up)):
        usernames.pretend(row.user, username)
    choose(code, candidates(made_up, pending, sent_digits=len(code), now=now))
    sent = hotp.HOTP(_MADE_UP_SECRET, digits=len(code))
    hotp.matches(code, [sent.at(number) for number in range(MOST_SENT - len(pending.challenges))])


@lru_cache(maxsize=4)
def _made_up_authenticators(keys: Keyring) -> list[Authenticator]:
    found = [
        Authenticator(type=Authenticator.Type.SENT),
        Authenticator(type=Authenticator.Type.TOTP),
    ]
    for authenticator in found:
        seal(authenticator, hotp.generate_secret())
    return found


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
            # The last used counter is included, so that a double click does not count as a guess.
            last = authenticator.consumed
            ahead = list(range(max(0, last), last + 1 + swap_user_settings.OTP_LOOK_AHEAD))
            far = pending.far
            if far is not None and far.authenticator == authenticator.pk.hex:
                ahead.append(far.counter + 1)
            return [(counter, None) for counter in ahead]


def _beyond(authenticator: Authenticator) -> Counters:
    first = authenticator.consumed + 1 + swap_user_settings.OTP_LOOK_AHEAD
    return [(counter, None) for counter in range(first, first + resync.REACH)]
