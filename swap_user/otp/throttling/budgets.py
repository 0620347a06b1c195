"""The budgets of guesses and messages: their Redis keys, and the weight of a guess."""

import math
from collections.abc import Iterable

from swap_user.conf import limits, swap_user_settings
from swap_user.otp.crypto import hotp
from swap_user.otp.store import keys, windows
from swap_user.otp.visitors import client_ip
from swap_user.otp.visitors.visitor import Visitor

# The usual weight of a guess at a short code: the number of six-digit codes that are right at a
# time. These are three codes of an authenticator app and one sent code.
USUAL_WEIGHT = limits.USUAL_WEIGHT

# An attacker may have a whole IPv6 /48, so the /48 has a budget too, of this many times the limit
# of a /64.
NETWORK_FACTOR = 10

LUA = f"""
local USUAL, HOUR, DAY, YEAR = {USUAL_WEIGHT}, {windows.HOUR}, {windows.DAY}, {windows.YEAR}

local function number(i) return tonumber(ARGV[i]) end

-- As wait() and add(), for one hour and for the address of a visitor and its /48, if it has one.
local function wait_there(place, near, wide, most)
    if place == '' then return 0 end
    local left = wait(near, most, HOUR, 1)
    if left == 0 and place == 'network' then left = wait(wide, most * {NETWORK_FACTOR}, HOUR, 1) end
    return left
end

local function add_there(place, near, wide)
    if place ~= '' then add(near, 1, HOUR) end
    if place == 'network' then add(wide, 1, HOUR) end
end
"""
"""Lua functions. Scripts that use them begin with those of ``windows``, followed by this text."""


def weigh(expected: Iterable[str]) -> int:
    """
    Return the weight of a guess at a short code: the number of six-digit codes that are right.

    Args:
        expected: all codes that are right now. A code of eight digits counts as a hundredth.
    """
    short = [code for code in expected if len(code) < hotp.MAX_DIGITS]
    # The subtraction keeps floating point errors from being rounded up.
    return math.ceil(sum(10.0 ** (6 - len(code)) for code in short) - 1e-9)


def weight_key(account_key: str) -> str:
    """Return the Redis key of the weight of a guess at this account, if it is above the usual."""
    return keys.redis_key(account_key, "weight")


def usual_weight() -> int:
    """
    Return the weight of a guess at an account without a stored weight, or at an unknown username.

    It covers an authenticator app and one sent code. So a username with an app reaches the limit
    after the same number of guesses as an unknown username.
    """
    settings = swap_user_settings
    return max(USUAL_WEIGHT, settings.OTP_PAST_STEPS + settings.OTP_FUTURE_STEPS + 2)


def budget_keys(account_key: str, visitor: Visitor) -> tuple[str, str, str]:
    """Return the Redis keys of the budgets of unknown browsers, of this browser, of this flow."""
    return (
        keys.redis_key(account_key, "guesses"),
        keys.redis_key(account_key, "guesses", visitor.browser.id if visitor.browser else "-"),
        tries_key(account_key, visitor.flow),
    )


def placed(visitor: Visitor) -> str:
    """
    Return which budgets of the client address are charged.

    Returns:
        "address" for IPv4, "network" for an IPv6 /64 and its /48, "" if the address is not known.
    """
    if not visitor.address:
        return ""
    return "network" if ":" in visitor.address else "address"


def places(visitor: Visitor, what: str) -> tuple[str, str]:
    """Return the Redis keys of the budgets of the client address and of its /48."""
    at = visitor.address or ""
    own = keys.redis_key(keys.keyed_hash("address", at), what)
    if placed(visitor) != "network":
        return own, own
    return own, keys.redis_key(keys.keyed_hash("address", client_ip.network(at)), what)


def tries_key(account_key: str, flow: str | None) -> str:
    """Return the Redis key of the tries at long codes of a flow, or of all visitors without one."""
    return keys.redis_key(account_key, "tries", flow or "-")
