"""
Codes that are bound to no flow: tries at those of ten digits.

A code that was requested without a session, as by an API, works in any session. All visitors of an
account who request one within half of its life get the same code, so no request replaces the code
of another one. Instead of the code, the tries at it belong to somebody: each message allows a few
tries for the browser or the network that has requested it, and the rest for everybody. Strangers
elsewhere can use up the second part only. A message that was charged to known browsers allows
strangers none, because the arithmetic of a year does not count it.

All tries that a message allows are as many as those at a code that is bound to a flow. An attempt
that is compared with two codes takes two tries. So there are never more comparisons than the
arithmetic of a year counts.
"""

from collections.abc import Sequence

from swap_user.conf import limits
from swap_user.otp.store import keys

FOR_ANYONE = 2
"""How many of the tries of a message everybody has, also those who have requested no code."""

FOR_ASKER = limits.TRIES_PER_CODE - FOR_ANYONE
"""How many the browser or the network has that requested the message."""

# In place of the browser or the network: the tries that everybody has.
_ANYONE = "-"


def askers(browser: str, network: str) -> list[str]:
    """
    Return who has tries of their own: the browser, and the network, if they are known.

    Args:
        browser: the hash of the browser that claims to be known for the account, or "".
        network: the hash of the visitor's network, or "".
    """
    return [*([f"browser-{browser}"] if browser else []), *([network] if network else [])]


def tries_left_key(account_key: str, asker: str = _ANYONE) -> str:
    """
    Return the Redis key of the tries that are left.

    Args:
        account_key: the account key, see ``keys.account_key()``.
        asker: an item of ``askers()``, or nothing for the tries that everybody has.
    """
    return keys.redis_key(account_key, "tries_left", asker)


def tries_left_keys(account_key: str, who: Sequence[str]) -> dict[str, str]:
    """
    Return the Redis keys of the tries of a visitor, by their names in ``begin_attempt.lua``.

    Args:
        account_key: the account key, see ``keys.account_key()``.
        who: the result of ``askers()``.
    """
    names = [tries_left_key(account_key, each) for each in who]
    return {
        f"left{number}": name
        for number, name in enumerate([*names, tries_left_key(account_key)], 1)
    }


def allowed_keys(
    account_key: str, who: Sequence[str], *, is_known: bool
) -> tuple[dict[str, str], dict[str, int]]:
    """
    Return where a message adds tries: the Redis keys and the numbers, as ``issue.lua`` takes them.

    Args:
        account_key: the account key, see ``keys.account_key()``.
        who: the result of ``askers()`` for the visitor who requested the message. If it is empty,
            everybody has all tries.
        is_known: whether the message was charged to known browsers.
    """
    anyone = {"anyone": tries_left_key(account_key)}
    if not who:
        return anyone, {"for_anyone": limits.TRIES_PER_CODE}
    asker = {"asker": tries_left_key(account_key, who[0])}
    if is_known:
        return asker, {"for_asker": limits.TRIES_PER_CODE}
    return {**anyone, **asker}, {"for_anyone": FOR_ANYONE, "for_asker": FOR_ASKER}
