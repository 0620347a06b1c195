"""
Limits on messages (R21).

The request charges the budgets of the account, the browser and the address. The job charges those
of the receiver and the site, because only the job knows whether there is a message to send.

A visitor sees no difference when a limit is reached. Known browsers have their own budget.
Unknown browsers share one budget per account. When it is spent, an address that is new to the
account still gets one message, so that the owner can log in with a new browser from a new address.
The number of these extra messages is limited per network of a provider. To block the owner, an
attacker must send requests from the same network.
"""

from dataclasses import dataclass

from swap_user.conf import limits, swap_user_settings
from swap_user.otp.challenges import challenge
from swap_user.otp.store import keys, scripts, windows
from swap_user.otp.throttling import budgets
from swap_user.otp.visitors import client_ip, known_browsers
from swap_user.otp.visitors.visitor import Visitor

# How long after its last request an address counts as new again.
_NEW_AGAIN = 90 * windows.DAY

# KEYS: the last counter and the challenge; the revocation time of browsers; the weight of a guess;
# the guesses of unknown browsers, of this browser, of this address and of its /48; the messages of
# the same four; the extra messages of the provider's network, and of all networks; the record that
# this address has requested a code.
# ARGV: now in ms; the earliest counter, lifetime in ms, expiry in ms, usual number of digits; the
# time of the browser's last login, or 0, and its id; which budgets of the address to charge; the
# limits of guesses and of messages in the order of their keys; the weight to use if none is stored.
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
            -- Each request starts the 90 days again.
            if place ~= '' and (room or not new) then
                redis.call('SET', asked, '1', 'PX', AGAIN)
            end
        end
    end
    if scope ~= '' then return {scope} end

    local short = known and wait(guessed_own, number(10), YEAR, 1) == 0
    if not short then
        local most = number(9) * USUAL
        local weight = tonumber(redis.call('GET', noted)) or number(17)
        weight = math.max(1, math.min(weight, most))
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
    An issued challenge.

    Attributes:
        counter: the moving factor of the code.
        digits: number of digits of the code.
        known: whether a known browser of the account requested the code.
    """

    counter: int
    digits: int
    known: bool


def ask(account_key: str, visitor: Visitor, *, now: float, timeout: int) -> Issued | str:
    """
    Charge a request for a code and issue a challenge.

    Args:
        account_key: the account key, see ``keys.account_key()``.
        visitor: the visitor who requests the code.
        now: Unix time in seconds.
        timeout: lifetime of the code in seconds.

    Returns:
        The challenge, or the name of the spent budget: "account", "browser" or "address".

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    settings, browser = swap_user_settings, visitor.browser
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
            settings.OTP_DIGITS,
            browser.since(account_key, now=now) if browser else 0,
            browser.id if browser else "",
            budgets.placed(visitor),
            limits.limit("guesses_per_account"),
            limits.limit("known_guesses_per_account"),
            limits.limit("guesses_per_address"),
            limits.limit("messages_per_account"),
            limits.limit("known_messages_per_account"),
            limits.limit("asks_per_address"),
            limits.limit("newcomers_per_neighbourhood"),
            limits.limit("newcomers_per_account"),
            budgets.usual_weight(),
        ],
    )
    scope, *rest = (value.decode() if isinstance(value, bytes) else str(value) for value in answer)
    if scope:
        return scope
    counter, digits, known = rest
    return Issued(int(counter), int(digits), known == "1")


def asked_key(account_key: str, at: str) -> str:
    """Return the Redis key of the record that an address has requested a code for the account."""
    return keys.redis_key(account_key, "asked", keys.keyed_hash("address", client_ip.network(at)))


def lift(account_key: str) -> None:
    """
    Delete the counts of unknown browsers, of guesses and of messages.

    Args:
        account_key: the account key, see ``keys.account_key()``.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    names = ("guesses", "weight", "sends", "newcomers")
    _LIFT([keys.redis_key(account_key, name) for name in names], [])


def limit_reached(receiver: str, *, known: bool, now: float) -> str:
    """
    Charge a message before it is sent, and return the limit that was reached, if any.

    Args:
        receiver: the address or phone number of the message.
        known: whether a known browser requested the message. It is not charged then, because
            unknown browsers must not use up what the owner needs.
        now: Unix time in seconds.

    Returns:
        "receiver", "site", "country" (a phone number without an allowed prefix), or "" if the
        message can be sent.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    settings = swap_user_settings
    prefixes = tuple(settings.OTP_PHONE_PREFIXES)
    if prefixes and not receiver.startswith(prefixes):
        return "country"
    if known:
        return ""
    # Newcomers to an account reach its receiver too.
    receivers = limits.limit("messages_per_receiver") + limits.limit("newcomers_per_account")
    charged = {
        "receiver": (keys.keyed_hash("receiver", receiver), receivers),
        "site": ("site", limits.limit("messages_per_site")),
    }
    for scope, (name, limit) in charged.items():
        key = keys.redis_key(name, "sends")
        if limit is not None and not _CHARGE([key], [int(now * 1000), limit, windows.DAY]):
            return scope
    return ""
