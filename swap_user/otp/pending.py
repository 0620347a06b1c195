"""All that Redis holds of a login in progress, read in one round trip."""

from dataclasses import dataclass

from swap_user.otp import challenge, progress, resync, store
from swap_user.otp.challenge import Challenge
from swap_user.otp.resync import Far


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


def read(account: str, flow: str | None, *, now: float) -> Pending:
    """
    Return what waits for ``account`` in ``flow``.

    Args:
        account: as ``store.account_key`` gives it.
        flow: the session, None for none.
        now: Unix time in seconds.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    keys = [resync.key(account), challenge.key(account, None)]
    if flow is not None:
        keys += [challenge.key(account, flow), progress.key(account, flow)]
    values = dict(zip(keys, store.get_many(keys), strict=True))
    found = [challenge.parse(key, values[key], now=now) for key in keys[1:3]]
    return Pending(
        challenges=[each for each in found if each is not None],
        far=resync.parse(values[keys[0]]),
        shown=progress.parse(values[keys[3]] if flow is not None else None),
    )
