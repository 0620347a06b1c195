"""
Challenges: a challenge is a code that was issued and is still pending.

Redis stores the counter and the expiry of a challenge, never the code. The counter is the time of
issue in microseconds (RFC 4226 allows any 8-byte number). It is strictly increasing for each
account. Because it is a time, no database row is written when a code is issued, two flows have
different counters, and no counter is repeated after Redis has lost its data.

The job that sends the code issues the challenge, after it has charged the message. So a code that
was never sent can't be guessed.

A challenge has no number of digits: a short code is the end of the long one (RFC 4226 section 5.3).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from swap_user.conf import limits
from swap_user.otp.challenges import unbound
from swap_user.otp.store import keys, scripts

_MICROSECONDS = 1_000_000

# Ten minutes (NIST SP 800-63B-4 section 3.1.3.2), and one minute for servers whose clocks differ.
_MAX_LIFETIME_MS = 660_000

# The key of a challenge that is not bound to a flow has this text in place of the flow, which is
# always longer.
_UNBOUND = "-"

_ISSUE = scripts.JSONScript(scripts.read("issue"))


@dataclass(frozen=True, slots=True)
class Challenge:
    """
    A pending challenge.

    Attributes:
        key: the Redis key of the pending challenges of its flow.
        counter: the moving factor of the code.
        expires_ms: expiry as Unix time in milliseconds.
    """

    key: str
    counter: int
    expires_ms: int

    @property
    def expires_at(self) -> float:
        """Expiry as Unix time in seconds."""
        return self.expires_ms / 1000


def issue(
    account_key: str,
    flow: str | None,
    *,
    counter: int,
    now: float,
    expires_at: float,
    timeout: int,
    above: int = -1,
    askers: Sequence[str] = (),
    is_known: bool = False,
) -> Challenge:
    """
    Issue a challenge, or use the flow's pending one again for a resent message (R55).

    The pending one is used while more than half of its life is left and it has tries left. After
    that there are two, and the code of each is accepted until one of them is. Without a flow, each
    message adds tries; see ``unbound``.

    Args:
        account_key: the account key, see ``keys.account_key()``.
        flow: the flow that requests the code. With None, the code works in any session.
        counter: the smallest counter of a new challenge, see ``earliest()``.
        now: Unix time in seconds.
        expires_at: expiry of a new challenge, Unix time in seconds.
        timeout: lifetime of a challenge in seconds.
        above: the counter of the challenge is greater than this one.
        askers: who requests a code without a flow, see ``unbound.askers()``.
        is_known: whether the message was charged to known browsers.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    args = {
        "counter": str(counter),
        "above": str(above),
        "now": int(now * 1000),
        "expiry": int(expires_at * 1000),
        "half": timeout * 500,
        "tries": limits.TRIES_PER_CODE,
    }
    while True:
        key = challenge_key(account_key, flow)
        named = {"last": last_counter_key(account_key), "codes": key}
        if flow is None:
            tries_left, numbers = unbound.allowed_keys(account_key, askers, is_known=is_known)
            issued = _ISSUE({**named, **tries_left}, **args, **numbers)
        else:
            issued = _ISSUE({**named, "forward": forward_key(account_key, flow)}, **args)
        if "flow" not in issued:
            return Challenge(key, int(issued["counter"]), int(issued["expiry"]))
        flow = issued["flow"]


def forward_key(account_key: str, flow: str) -> str:
    """Return the Redis key of the flow that has followed a flow after one of two factors."""
    return keys.redis_key(account_key, "forward", flow)


def earliest(now: float) -> int:
    """Return the smallest counter of a challenge issued at ``now`` (Unix time in seconds)."""
    return int(now * _MICROSECONDS)


def requested_at(counter: int) -> float:
    """Return the time that ``earliest()`` was called with, as Unix time in seconds."""
    return counter / _MICROSECONDS


def last_counter_key(account_key: str) -> str:
    """Return the Redis key of the last counter of an account."""
    return keys.redis_key(account_key, "issued")


def challenge_key(account_key: str, flow: str | None) -> str:
    """Return the Redis key of the challenges of a flow, or of those without a flow."""
    return keys.redis_key(account_key, "challenge", _UNBOUND if flow is None else flow)


def parse_challenges(key: str, value: str, *, now: float) -> Iterator[Challenge]:
    """
    Yield the challenges of a value in Redis that have not expired, oldest first.

    Args:
        key: the Redis key.
        value: the value in Redis, or "".
        now: Unix time in seconds.
    """
    for entry in value.split(",") if value else ():
        counter, expires_ms, _ = map(int, entry.split(":"))
        # If more than the maximum lifetime remains, the clock was set back. The code is then
        # refused.
        if 0 < expires_ms - now * 1000 <= _MAX_LIFETIME_MS:
            yield Challenge(key, counter, expires_ms)
