"""
Limits on sending: for each account, browser and address in the request, for each receiver and the
site in the job, where it is known whether there is anything to send (R21).

A request over a limit looks like any other. Known browsers are not held back by what strangers
ask for. Strangers share a budget for each account; when it is spent, an address that is new to the
account still gets one message, so that its owner, at a browser and a place that nobody has seen
before, does. Of these a neighbourhood of addresses gets only a few: to keep the owner from theirs,
strangers would have to be there.
"""

from dataclasses import dataclass

from swap_user.conf import swap_user_settings
from swap_user.otp.challenges import challenge
from swap_user.otp.store import keys, scripts, windows
from swap_user.otp.throttling import budgets
from swap_user.otp.visitors import client_ip, known_browsers
from swap_user.otp.visitors.visitor import Visitor

# How long it takes until an address that asked is new again.
_NEW_AGAIN = 90 * windows.DAY

# KEYS: last counter, challenge; when browsers were revoked, the weight of a guess; the guesses of
# strangers, of this browser, of this address and its /48; the sends of the same four; the sends of
# newcomers nearby, and of all; whether this newcomer has asked.
# ARGV: now in ms; the earliest counter, lifetime in ms, expiry in ms, usual digits; when the
# browser logged in, or 0, and its id; which places there are; the limits of guesses, of sends in
# the order of their keys; the weight where none is noted.
_ASK = scripts.Script(
    windows.LUA
    + known_browsers.LUA
    + budgets.LUA
    + challenge.LUA
    + f"local AGAIN = {_NEW_AGAIN}\n"
    + """
    local last, waiting, revoked, noted = unpack(KEYS, 1, 4)
    local guessed, guessed_own, guessed_near, guessed_wide = unpack(KEYS, 5, 8)
    local sent, sent_own, sent_near, sent_wide, nearby, newcomers, asked = unpack(KEYS, 9, 15)
    local _, earliest, lifetime, expiry, digits, since, browser, place = unpack(ARGV, 1, 8)

    local known = is_known(revoked, tonumber(since), browser)
    local scope = ''
    if known then
        if wait(sent_own, number(13), DAY, 1) > 0 then scope = 'browser' end
        if scope == '' then add(sent_own, 1, DAY) end
    elseif wait_there(place, sent_near, sent_wide, number(14)) > 0 then
        scope = 'address'
    else
        add_there(place, sent_near, sent_wide)
        if wait(sent, number(12), DAY, 1) == 0 then
            add(sent, 1, DAY)
        else
            local new = place ~= '' and redis.call('EXISTS', asked) == 0
            local room = wait(nearby, number(15), HOUR, 1) == 0
                and wait(newcomers, number(16), AGAIN, 1) == 0
            if new and room then
                add(nearby, 1, HOUR)
                add(newcomers, 1, AGAIN)
            else
                scope = 'account'
            end
            -- Whoever goes on asking never becomes new again.
            if place ~= '' and (room or not new) then
                redis.call('SET', asked, '1', 'PX', AGAIN)
            end
        end
    end
    if scope ~= '' then return {scope} end

    local short = known and wait(guessed_own, number(10), YEAR, 1) == 0
    if not short then
        local most = number(9) * USUAL
        local weight = math.min(tonumber(redis.call('GET', noted)) or number(17), most)
        short = wait(guessed, most, YEAR, weight) == 0
            and wait_there(place, guessed_near, guessed_wide, number(11)) == 0
    end
    if not short then digits = '10' end
    local counter = issue(last, waiting, earliest, lifetime, ':' .. expiry .. ':' .. digits)
    return {'', counter, digits, known and 1 or 0}
    """
)

# KEYS: a budget. ARGV: now in ms, its limit, its window in ms.
_CHARGE = scripts.Script(
    windows.LUA
    + """
    if wait(KEYS[1], tonumber(ARGV[2]), tonumber(ARGV[3]), 1) > 0 then return 0 end
    add(KEYS[1], 1, ARGV[3])
    return 1
    """
)

_LIFT = scripts.Script("return redis.call('DEL', unpack(KEYS))")


@dataclass(frozen=True, slots=True)
class Issued:
    """
    A challenge that was issued.

    Args:
        counter: the moving factor of its code.
        digits: how many its code has.
        known: whether it was asked for from a browser that is known for the account.
    """

    counter: int
    digits: int
    known: bool


def ask(account_key: str, visitor: Visitor, *, now: float, timeout: int) -> Issued | str:
    """
    Issue a challenge, or return whose budget is spent: "account", "browser" or "address".

    Args:
        account_key: as ``keys.account_key`` returns it.
        visitor: who asks.
        now: Unix time in seconds.
        timeout: how long the code is accepted, in seconds.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    of, browser = swap_user_settings, visitor.browser
    strangers, own, _ = budgets.budget_keys(account_key, visitor)
    at = visitor.address or ""
    answer = _ASK(
        [
            challenge.last_counter_key(account_key),
            challenge.challenge_key(account_key, visitor.flow),
            known_browsers.revocation_key(account_key),
            budgets.weight_key(account_key),
            strangers,
            own,
            *budgets.places(visitor, "guesses"),
            keys.redis_key(account_key, "sends"),
            keys.redis_key(account_key, "sends", browser.id if browser else "-"),
            *budgets.places(visitor, "sends"),
            keys.redis_key(
                account_key, "newcomers", keys.keyed_hash("address", client_ip.neighbourhood(at))
            ),
            keys.redis_key(account_key, "newcomers"),
            asked_key(account_key, at),
        ],
        [
            int(now * 1000),
            challenge.earliest(now),
            timeout * 1000,
            int((now + timeout) * 1000),
            of.OTP_DIGITS,
            browser.since(account_key, now=now) if browser else 0,
            browser.id if browser else "",
            budgets.placed(visitor),
            of.OTP_GUESSES_PER_ACCOUNT,
            of.OTP_GUESSES_PER_BROWSER,
            of.OTP_GUESSES_PER_ADDRESS,
            of.OTP_SENDS_PER_ACCOUNT,
            of.OTP_SENDS_PER_BROWSER,
            of.OTP_SENDS_PER_ADDRESS,
            of.OTP_SENDS_TO_NEWCOMERS,
            of.OTP_SENDS_TO_ALL_NEWCOMERS,
            budgets.usual_weight(),
        ],
    )
    scope, *rest = (value.decode() if isinstance(value, bytes) else str(value) for value in answer)
    if scope:
        return scope
    counter, digits, known = rest
    return Issued(int(counter), int(digits), known == "1")


def asked_key(account_key: str, at: str) -> str:
    """Return where it lies that somebody at this address has asked for the account."""
    return keys.redis_key(account_key, "asked", keys.keyed_hash("address", client_ip.network(at)))


def lift(account_key: str) -> None:
    """
    Take back all that strangers have used up, of guesses and of messages.

    Args:
        account_key: as ``keys.account_key`` returns it.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    names = ("guesses", "weight", "sends", "newcomers")
    _LIFT([keys.redis_key(account_key, name) for name in names], [])


def limit_reached(receiver: str, *, known: bool, now: float) -> str:
    """
    Charge a message that is about to be sent; return what keeps it back, or "".

    Args:
        receiver: where it would go.
        known: whether it was asked for from a known browser: nothing is charged then, so that
            strangers can't use up what its owner needs.
        now: Unix time in seconds.

    Returns:
        "receiver", "site", or "country" for a phone number that begins otherwise than allowed.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    of = swap_user_settings
    if of.OTP_PHONE_PREFIXES and not receiver.startswith(tuple(of.OTP_PHONE_PREFIXES)):
        return "country"
    if known:
        return ""
    limits = {
        "receiver": (keys.keyed_hash("receiver", receiver), of.OTP_SENDS_PER_RECEIVER),
        "site": ("site", of.OTP_SENDS_PER_SITE),
    }
    for scope, (name, limit) in limits.items():
        key = keys.redis_key(name, "sends")
        if limit and not _CHARGE([key], [int(now * 1000), limit, windows.DAY]):
            return scope
    return ""
