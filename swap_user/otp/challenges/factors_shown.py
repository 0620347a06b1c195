"""
The factors that a flow has shown so far, for policies that require two factors.

Redis stores them for a short time. Without a session they are not stored, because another visitor
could then complete the login.
"""

from collections.abc import Sequence

from django.contrib.auth.base_user import AbstractBaseUser

from swap_user.otp.store import keys, scripts

# How long a shown factor is stored, in seconds: the longest possible lifetime of a code.
SECONDS = 600

_ADD = scripts.Script(scripts.read("add_factor"))

_FORGET = scripts.Script("return redis.call('DEL', keys.shown)")


def shown_key(account_key: str, flow: str) -> str:
    """Return the Redis key of the factors that a flow has shown."""
    return keys.redis_key(account_key, "shown", flow)


def parse_shown(value: str) -> frozenset[str]:
    """Return the entries of a value in Redis, which ``factors()`` takes."""
    return frozenset(value.split(",")) if value else frozenset()


def factors(shown: frozenset[str], user: AbstractBaseUser) -> frozenset[str]:
    """
    Return the factors that ``user`` has shown.

    Entries of another user, who had this username before, are ignored.
    """
    entries = (entry.partition("@") for entry in shown)
    return frozenset(factor for factor, _, owner in entries if owner == str(user.pk))


def add(
    account_key: str,
    flow: str,
    factor: str,
    user: AbstractBaseUser,
    *,
    moved: Sequence[tuple[str, str]] = (),
    forward: str | None = None,
) -> None:
    """
    Record that ``user`` has shown a factor.

    Args:
        account_key: the account key, see ``keys.account_key()``.
        flow: the flow that has shown the factor.
        factor: the factor, see ``policies``.
        user: the user whose factor it is.
        moved: Redis keys that are renamed first, in the same step: the old and the new name of
            each. Missing keys are ignored.
        forward: the Redis key that then tells the flow, see ``challenge.forward_key()``.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    named = {"shown": shown_key(account_key, flow), "forward": forward}
    for number, (old, new) in enumerate(moved):
        named |= {f"from{number}": old, f"to{number}": new}
    _ADD(named, entry=f"{factor}@{user.pk}", moved=len(moved), flow=flow, seconds=SECONDS)


def forget(account_key: str, flow: str) -> None:
    """
    Delete the shown factors of a flow.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    _FORGET({"shown": shown_key(account_key, flow)})
