"""
Challenges: a challenge is a code that was issued and is still pending.

Redis stores the counter and the expiry of a challenge, never the code. The counter is the time of
issue in microseconds (RFC 4226 allows any 8-byte number). It is strictly increasing for each
account. Because it is a time, no database row is written when a code is issued, two flows have
different counters, and no counter is repeated after Redis has lost its data.
"""

from dataclasses import dataclass

from swap_user.otp.store import keys, scripts

_MICROSECONDS = 1_000_000

# Ten minutes (NIST SP 800-63B-4 section 3.1.3.2), and one minute for servers whose clocks differ.
_MAX_LIFETIME_MS = 660_000

# The key of a challenge that is not bound to a flow has this text in place of the flow, which is
# always longer.
_UNBOUND = "-"

# A Lua function. A script that uses it begins with this text. The parameters are the Redis keys of
# the account's last counter and of the flow's challenge, the smallest counter, the lifetime in
# milliseconds, and the rest of the value, which follows the counter.
LUA = """
local function issue(last_key, key, earliest, lifetime, rest)
    local counter = tonumber(earliest)
    local last = tonumber(redis.call('GET', last_key) or '-1')
    if last >= counter then counter = last + 1 end
    local text = string.format('%.0f', counter)
    redis.call('SET', last_key, text, 'PX', lifetime)
    redis.call('SET', key, text .. rest, 'PX', lifetime)
    return text
end
"""

_ISSUE = scripts.Script(LUA + "return issue(KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3])")


@dataclass(frozen=True, slots=True)
class Challenge:
    """
    A pending challenge.

    Attributes:
        key: the Redis key.
        value: the value in Redis.
        counter: the moving factor of the code.
        expires_ms: expiry as Unix time in milliseconds.
        digits: number of digits of the code.
    """

    key: str
    value: str
    counter: int
    expires_ms: int
    digits: int


def issue(
    account_key: str, flow: str | None, *, now: float, timeout: int, digits: int, above: int = -1
) -> int:
    """
    Issue a challenge and return its counter. It replaces an earlier challenge of the flow.

    Args:
        account_key: the account key, see ``keys.account_key()``.
        flow: the flow that requests the code. With None, the code works in any session.
        now: Unix time in seconds.
        timeout: lifetime of the code in seconds.
        digits: number of digits of the code.
        above: the new counter is greater than this one.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    rest = f":{int((now + timeout) * 1000)}:{digits}"
    keys = [last_counter_key(account_key), challenge_key(account_key, flow)]
    return int(_ISSUE(keys, [max(earliest(now), above + 1), timeout * 1000, rest]))


def earliest(now: float) -> int:
    """Return the smallest counter of a challenge issued at ``now`` (Unix time in seconds)."""
    return int(now * _MICROSECONDS)


def last_counter_key(account_key: str) -> str:
    """Return the Redis key of the last counter of an account."""
    return keys.redis_key(account_key, "issued")


def challenge_key(account_key: str, flow: str | None) -> str:
    """Return the Redis key of the challenge of a flow, or of the unbound one."""
    return keys.redis_key(account_key, "challenge", _UNBOUND if flow is None else flow)


def parse_challenge(key: str, value: str | None, *, now: float) -> Challenge | None:
    """
    Return the challenge of a value in Redis, or None if there is none or it has expired.

    Args:
        key: the Redis key.
        value: the value in Redis, or None.
        now: Unix time in seconds.
    """
    if value is None:
        return None
    challenge = Challenge(key, value, *map(int, value.split(":")))
    # If more than the maximum lifetime remains, the clock was set back. The code is then refused.
    return challenge if 0 < challenge.expires_ms - now * 1000 <= _MAX_LIFETIME_MS else None
