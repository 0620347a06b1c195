"""
What a flow has shown so far, where a policy asks for two codes.

Kept in Redis beside the challenge and as short-lived. A login without a session makes no
progress: with nothing to bind it to, half of one visitor's login would serve another.
"""

from django.contrib.auth.base_user import AbstractBaseUser

from swap_user.otp.store import keys, scripts

# The first half of a login is good for as long as the longest code.
SECONDS = 600

_ADD = scripts.Script(
    """
    local shown = redis.call('GET', KEYS[1])
    shown = shown and (shown .. ',' .. ARGV[1]) or ARGV[1]
    redis.call('SET', KEYS[1], shown, 'PX', ARGV[2])
    return 1
    """
)

_FORGET = scripts.Script("return redis.call('DEL', KEYS[1])")


def shown_key(account_key: str, flow: str) -> str:
    """Return where the progress of a flow lies."""
    return keys.redis_key(account_key, "shown", flow)


def parse_shown(value: str | None) -> frozenset[str]:
    """Return what was shown, for ``factors``."""
    return frozenset(value.split(",")) if value else frozenset()


def factors(shown: frozenset[str], user: AbstractBaseUser) -> frozenset[str]:
    """Return the factors that ``user`` has shown: a name may have gone to somebody else since."""
    found = (entry.partition("@") for entry in shown)
    return frozenset(factor for factor, _, owner in found if owner == str(user.pk))


def add(account_key: str, flow: str, factor: str, user: AbstractBaseUser) -> None:
    """
    Note that ``user`` has shown a factor.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    _ADD([shown_key(account_key, flow)], [f"{factor}@{user.pk}", SECONDS * 1000])


def forget(account_key: str, flow: str) -> None:
    """
    Begin anew, after a login.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    _FORGET([shown_key(account_key, flow)], [])
