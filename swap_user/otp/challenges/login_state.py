"""The state of a login in Redis, which the script of an attempt reads."""

from collections.abc import Mapping
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


def state_keys(account_key: str, flow: str | None) -> dict[str, str | None]:
    """
    Return the Redis keys of the state of a login, by their names in ``begin_attempt.lua``.

    Args:
        account_key: the account key, see ``keys.account_key()``.
        flow: the flow, or None.
    """
    return {
        "far": resync.far_code_key(account_key),
        "shared": challenge.challenge_key(account_key, None),
        "own": flow and challenge.challenge_key(account_key, flow),
        "shown": flow and factors_shown.shown_key(account_key, flow),
    }


def parse_state(
    answer: Mapping[str, str], keys: Mapping[str, str | None], *, now: float
) -> Pending:
    """
    Return the state of a login.

    Args:
        answer: the answer of ``begin_attempt.lua``.
        keys: the result of ``state_keys()``.
        now: Unix time in seconds.
    """
    return Pending(
        challenges=[
            each
            for name in ("shared", "own")
            for each in challenge.parse_challenges(keys[name] or "", answer[name], now=now)
        ],
        far=resync.parse_far_code(answer["far"]),
        shown=factors_shown.parse_shown(answer["shown"]),
    )
