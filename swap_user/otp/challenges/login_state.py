"""All that Redis holds of a login in progress, read in one round trip."""

from collections.abc import Sequence
from dataclasses import dataclass

from swap_user.otp.challenges import challenge, resync
from swap_user.otp.challenges import factors_shown as progress
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


def keys(account: str, flow: str | None) -> list[str]:
    """
    Return where everything lies that waits for ``account`` in ``flow``.

    Args:
        account: as ``store.account_key`` gives it.
        flow: the session, None for none.
    """
    found = [resync.key(account), challenge.key(account, None)]
    if flow is not None:
        found += [challenge.key(account, flow), progress.key(account, flow)]
    return found


def parse(values: Sequence[str | None], keys: Sequence[str], *, now: float) -> Pending:
    """
    Return what waits.

    Args:
        values: what lies at the keys, None where nothing does.
        keys: as ``keys`` gives them.
        now: Unix time in seconds.
    """
    found = [
        challenge.parse(key, value, now=now)
        for key, value in zip(keys[1:3], values[1:3], strict=True)
    ]
    return Pending(
        challenges=[each for each in found if each is not None],
        far=resync.parse(values[0]),
        shown=progress.parse(values[3] if len(values) > 3 else None),
    )
