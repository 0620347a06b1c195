"""
A challenge: one issued, still pending code. Redis holds its counter and its expiry, never it.

The counter is the microsecond of issuing, made strictly increasing for an account. RFC 4226
takes any 8-byte number; this one needs no row to be written, differs between two flows, and
never comes again when Redis has lost everything.
"""

from dataclasses import dataclass

from swap_user.otp.store import keys, scripts

_MICROSECONDS = 1_000_000

# Ten minutes (NIST SP 800-63B-4 3.1.3.2), and some for servers whose clocks differ.
_LONGEST_MS = 660_000

# A flow is a long random string; this can't be one.
_UNBOUND = "-"

# A Lua function for the beginning of a script: it takes the keys of the account's last counter
# and of the flow's challenge, the earliest counter, the lifetime in ms, and what follows the
# counter in the challenge.
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
    What waits for its code.

    Args:
        key: where it lies in Redis.
        value: what lies there.
        counter: the moving factor of its code.
        expires_ms: Unix time in milliseconds from which on it is refused.
        digits: how many its code has.
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
    Start a challenge and return its counter; an earlier one of the same flow is replaced.

    Args:
        account_key: as ``keys.account_key`` returns it.
        flow: the session that asked, None for none: then the code counts in any.
        now: Unix time in seconds.
        timeout: how long the code is accepted, in seconds.
        digits: how many digits the code has.
        above: a counter that the new one must exceed.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    rest = f":{int((now + timeout) * 1000)}:{digits}"
    keys = [last_counter_key(account_key), challenge_key(account_key, flow)]
    return int(_ISSUE(keys, [max(earliest(now), above + 1), timeout * 1000, rest]))


def earliest(now: float) -> int:
    """Return the counter that a challenge gets which is issued at ``now``, or a later one."""
    return int(now * _MICROSECONDS)


def last_counter_key(account_key: str) -> str:
    """Return where the last counter of an account lies."""
    return keys.redis_key(account_key, "issued")


def challenge_key(account_key: str, flow: str | None) -> str:
    """Return where the challenge of a flow lies; with None, the one that is bound to none."""
    return keys.redis_key(account_key, "challenge", _UNBOUND if flow is None else flow)


def parse_challenge(key: str, value: str | None, *, now: float) -> Challenge | None:
    """Return the challenge that lies at ``key``, or None if there is none or it is over."""
    if value is None:
        return None
    challenge = Challenge(key, value, *map(int, value.split(":")))
    # An end that is too far off: the clock was set back since, which must not lengthen a life.
    return challenge if 0 < challenge.expires_ms - now * 1000 <= _LONGEST_MS else None
