"""The budgets that guesses are charged to: where each lies in Redis, and what a guess weighs."""

import math
from collections.abc import Iterable

from swap_user.conf import swap_user_settings
from swap_user.otp.crypto import hotp
from swap_user.otp.store import keys, windows
from swap_user.otp.visitors import client_ip
from swap_user.otp.visitors.visitor import Visitor

# What a short guess of a stranger is taken to weigh, in codes of six digits that would be right:
# three of an authenticator app, and one that was sent. Users with more get a heavier one.
USUAL_WEIGHT = 4

# An IPv6 /48 is to be had whole, so it is charged too, with room for so many of its /64.
NETWORK_FACTOR = 10

LUA = f"""
local USUAL, HOUR, DAY, YEAR = {USUAL_WEIGHT}, {windows.HOUR}, {windows.DAY}, {windows.YEAR}

local function number(i) return tonumber(ARGV[i]) end

-- As wait and add, for an hour and the places of a visitor: none, an address, or one in a /48.
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
"""Lua functions for the beginning of a script, after those of ``windows``."""


def weigh(expected: Iterable[str]) -> int:
    """
    Return what a guess at a short code weighs: how many codes of six digits would be right.

    Args:
        expected: every code that would be right now. One of eight digits is a hundredth.
    """
    short = [code for code in expected if len(code) < hotp.MAX_DIGITS]
    # Not to be rounded up by what floating point makes of 0.1.
    return math.ceil(sum(10.0 ** (6 - len(code)) for code in short) - 1e-9)


def weight_key(account_key: str) -> str:
    """Return where it lies what a guess at this account weighs, if more than usual."""
    return keys.redis_key(account_key, "weight")


def usual_weight() -> int:
    """
    Return what a guess weighs at an account of which nothing else is known, or that nobody has.

    It is what an app and one sent code make, so that a name with an app is limited no sooner than
    a name of nobody.
    """
    of = swap_user_settings
    return max(USUAL_WEIGHT, of.OTP_PAST_STEPS + of.OTP_FUTURE_STEPS + 2)


def budget_keys(account_key: str, visitor: Visitor) -> tuple[str, str, str]:
    """Return the keys of the budgets: of strangers, this browser, this flow."""
    return (
        keys.redis_key(account_key, "guesses"),
        keys.redis_key(account_key, "guesses", visitor.browser.id if visitor.browser else "-"),
        tries_key(account_key, visitor.flow),
    )


def placed(visitor: Visitor) -> str:
    """Return which budgets of places are charged: "network" for an address and its /48, or ""."""
    if not visitor.address:
        return ""
    return "network" if ":" in visitor.address else "address"


def places(visitor: Visitor, what: str) -> tuple[str, str]:
    """Return the keys of the budgets of the visitor's address, and of the /48 that it is in."""
    at = visitor.address or ""
    own = keys.redis_key(keys.keyed_hash("address", at), what)
    if placed(visitor) != "network":
        return own, own
    return own, keys.redis_key(keys.keyed_hash("address", client_ip.network(at)), what)


def tries_key(account_key: str, flow: str | None) -> str:
    """Return where the tries at long codes lie of a flow, or of all visitors without one."""
    return keys.redis_key(account_key, "tries", flow or "-")


def yearly_chance() -> float:
    """
    Return the chance that strangers who guess at one account for a year, without pause, get in.

    It follows from the limits alone, whatever the number of addresses; the arithmetic is in
    ``docs/topics/limits.md``.
    """
    of = swap_user_settings
    short = of.OTP_GUESSES_PER_ACCOUNT * USUAL_WEIGHT / 10**6
    # Any 365 days touch five spans of 90.
    messages = of.OTP_SENDS_PER_ACCOUNT * 365 + of.OTP_SENDS_TO_ALL_NEWCOMERS * 5
    # A code is cut out of 31 bits (RFC 4226 section 5.3), however many digits it is given.
    return short + messages * of.OTP_GUESSES_PER_CODE / 2**31
