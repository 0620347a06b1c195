"""
Resynchronization of an HOTP authenticator whose counter is far ahead (RFC 4226 section 7.4).

A code beyond the look-ahead is refused, but its counter is stored. The next code of the
authenticator is then accepted, because two consecutive codes can't be guessed.
"""

from dataclasses import dataclass

from swap_user.otp.store import keys, scripts

# How far beyond the look-ahead the counter of the first of the two codes may be.
REACH = 200

# How long the counter of the first code is stored, in seconds.
SECONDS = 600

_REMEMBER = scripts.Script("redis.call('SET', keys.far, args.value, 'EX', args.seconds)")


@dataclass(frozen=True, slots=True)
class Far:
    """
    An HOTP code beyond the look-ahead.

    Attributes:
        authenticator: the id of the authenticator, in hex.
        counter: the counter of the code.
    """

    authenticator: str
    counter: int


def far_code_key(account_key: str) -> str:
    """Return the Redis key of the last code of an account beyond the look-ahead."""
    return keys.redis_key(account_key, "resync")


def parse_far_code(value: str) -> Far | None:
    """Return the recorded code of a value in Redis, or None if it is empty."""
    if not value:
        return None
    authenticator, _, counter = value.partition(":")
    return Far(authenticator, int(counter))


def remember(account_key: str, far: Far) -> None:
    """
    Store the counter of a code beyond the look-ahead.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    value = f"{far.authenticator}:{far.counter}"
    _REMEMBER({"far": far_code_key(account_key)}, value=value, seconds=SECONDS)
