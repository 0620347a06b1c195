"""All that Redis holds of a login in progress, read in one round trip."""

from collections.abc import Sequence
from dataclasses import dataclass

from swap_user.otp.challenges import challenge, factors_shown, resync
from swap_user.otp.challenges.challenge import Challenge
from swap_user.otp.challenges.resync import Far


@dataclass(frozen=True, slots=True)
class Pending:
    """
    What waits.

    Args:
        challenges: those whose sent code would count in this flow.
        far: the last code that came from too far ahead, if there was one.
        shown: what this flow has shown already, for ``progress.kinds``.
    """

    challenges: list[Challenge]
    far: Far | None
    shown: frozenset[str]


def state_keys(account_key: str, flow: str | None) -> list[str]:
    """
    Return where everything lies that waits for ``account`` in ``flow``.

    Args:
        account_key: as ``keys.account_key`` returns it.
        flow: the session, None for none.
    """
    found = [resync.far_code_key(account_key), challenge.challenge_key(account_key, None)]
    if flow is not None:
        found.append(challenge.challenge_key(account_key, flow))
        found.append(factors_shown.shown_key(account_key, flow))
    return found


def parse_state(values: Sequence[str | None], keys: Sequence[str], *, now: float) -> Pending:
    """
    Return what waits.

    Args:
        values: what lies at the keys, None where nothing does.
        keys: as ``state_keys`` returns them.
        now: Unix time in seconds.
    """
    found = [
        challenge.parse_challenge(key, value, now=now)
        for key, value in zip(keys[1:3], values[1:3], strict=True)
    ]
    return Pending(
        challenges=[each for each in found if each is not None],
        far=resync.parse_far_code(values[0]),
        shown=factors_shown.parse_shown(values[3] if len(values) > 3 else None),
    )
