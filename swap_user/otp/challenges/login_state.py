"""The state of a login in Redis, read in one round trip."""

from collections.abc import Sequence
from dataclasses import dataclass

from swap_user.otp.challenges import challenge, factors_shown, resync
from swap_user.otp.challenges.challenge import Challenge
from swap_user.otp.challenges.resync import Far


@dataclass(frozen=True, slots=True)
class Pending:
    """
    The state of a login.

    Attributes:
        challenges: the challenges whose code is accepted in this flow.
        far: the last HOTP code beyond the look-ahead, or None; see ``resync``.
        shown: the factors that this flow has shown, see ``factors_shown.factors()``.
    """

    challenges: list[Challenge]
    far: Far | None
    shown: frozenset[str]


def state_keys(account_key: str, flow: str | None) -> list[str]:
    """
    Return the Redis keys of the state of a login.

    Args:
        account_key: the account key, see ``keys.account_key()``.
        flow: the flow, or None.
    """
    state = [resync.far_code_key(account_key), challenge.challenge_key(account_key, None)]
    if flow is not None:
        state.append(challenge.challenge_key(account_key, flow))
        state.append(factors_shown.shown_key(account_key, flow))
    return state


def parse_state(values: Sequence[str | None], keys: Sequence[str], *, now: float) -> Pending:
    """
    Return the state of a login.

    Args:
        values: the values of ``keys`` in Redis, None for missing ones.
        keys: the result of ``state_keys()``.
        now: Unix time in seconds.
    """
    challenges = [
        challenge.parse_challenge(key, value, now=now)
        for key, value in zip(keys[1:3], values[1:3], strict=True)
    ]
    return Pending(
        challenges=[each for each in challenges if each is not None],
        far=resync.parse_far_code(values[0]),
        shown=factors_shown.parse_shown(values[3] if len(values) > 3 else None),
    )
