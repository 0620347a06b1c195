"""
Resynchronisation of an HOTP authenticator that has run ahead (RFC 4226 section 7.4).

A code from beyond the look-ahead lets nobody in. It is remembered, and the code that follows it
immediately does: two in a row are no guess.
"""

from dataclasses import dataclass

from swap_user.otp.store import keys, scripts

# How far ahead the first of the two codes may lie.
REACH = 200

# How long the second may take.
SECONDS = 600

_REMEMBER = scripts.Script("return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])")


@dataclass(frozen=True, slots=True)
class Far:
    """
    A code that came from too far ahead.

    Args:
        authenticator: the id of the authenticator, in hex.
        counter: the code's.
    """

    authenticator: str
    counter: int


def far_code_key(account_key: str) -> str:
    """Return where the last far code of an account lies."""
    return keys.redis_key(account_key, "resync")


def parse_far_code(value: str | None) -> Far | None:
    """Return what was remembered."""
    if value is None:
        return None
    authenticator, _, counter = value.partition(":")
    return Far(authenticator, int(counter))


def remember(account_key: str, far: Far) -> None:
    """
    Remember a far code.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    _REMEMBER([far_code_key(account_key)], [f"{far.authenticator}:{far.counter}", SECONDS * 1000])
