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
from swap_user.otp import address, browsers, budgets, challenge, store, windows
from swap_user.otp.visitors import Visitor

# How long it takes until an address that asked is new again.
_NEW_AGAIN = 90 * windows.DAY

# KEYS: last counter, challenge; when browsers were revoked, weight; the guesses of strangers, of
# this browser, of this address; the sends of strangers, of this browser, of this address, of
# the newcomers of this neighbourhood; whether this newcomer has asked; the sends of all newcomers;
# the guesses and the sends of the address's /48.
# ARGV: now in ms; the earliest counter, lifetime in ms, expiry in ms, usual digits; when the
# browser logged in, or 0, and its id; which places there are; the limits in the order of
# their keys; the weight where none is noted.
_ASK = store.Script(
    windows.LUA
    + challenge.LUA
    + f"local usual, again = {budgets.USUAL_WEIGHT}, {_NEW_AGAIN}\n"
    + f"local site_factor = {budgets.SITE_FACTOR}\n"
    + f"local year, day, hour = {windows.YEAR}, {windows.DAY}, {windows.HOUR}\n"
    + """
    local since, browser = tonumber(ARGV[6]), ARGV[7]
    local placed, sited = ARGV[8] ~= '', ARGV[8] == 'site'
    local limit = function(n) return tonumber(ARGV[8 + n]) end
    local known = since > 0
    if known then
        local revoked = redis.call('GET', KEYS[3])
        if revoked then
            local at, kept = string.match(revoked, '^(%d+):(.*)$')
            known = since > tonumber(at) or kept == browser
        end
    end

    local scope = ''
    if known then
        if wait(KEYS[9], limit(5), day, 1) > 0 then scope = 'browser' else add(KEYS[9], 1, day) end
    elseif placed and wait(KEYS[10], limit(6), hour, 1) > 0
        or sited and wait(KEYS[15], limit(6) * site_factor, hour, 1) > 0 then
        scope = 'address'
    else
        if placed then add(KEYS[10], 1, hour) end
        if sited then add(KEYS[15], 1, hour) end
        if wait(KEYS[8], limit(4), day, 1) == 0 then
            add(KEYS[8], 1, day)
        elseif not placed then
            scope = 'account'
        else
            local new = redis.call('EXISTS', KEYS[12]) == 0
            local room = wait(KEYS[11], limit(7), hour, 1) == 0
                and wait(KEYS[13], limit(8), again, 1) == 0
            if new and room then
                add(KEYS[11], 1, hour)
                add(KEYS[13], 1, again)
            else
                scope = 'account'
            end
            -- Whoever goes on asking never becomes new again.
            if room or not new then redis.call('SET', KEYS[12], '1', 'PX', again) end
        end
    end
    if scope ~= '' then return {scope} end

    local digits = ARGV[5]
    local weight = tonumber(redis.call('GET', KEYS[4]) or limit(9))
    local short = known and wait(KEYS[6], limit(2), year, 1) == 0
    if not short then
        local most = limit(1) * usual
        short = wait(KEYS[5], most, year, math.min(weight, most)) == 0
            and not (placed and wait(KEYS[7], limit(3), hour, 1) > 0)
            and not (sited and wait(KEYS[14], limit(3) * site_factor, hour, 1) > 0)
    end
    if not short then digits = '10' end
    local text = issue(KEYS[1], KEYS[2], ARGV[2], ARGV[3], ':' .. ARGV[4] .. ':' .. digits)
    return {'', text, digits, known and 1 or 0}
    """
)

# KEYS: a budget. ARGV: now in ms, its limit, its window in ms.
_CHARGE = store.Script(
    windows.LUA
    + """
    if wait(KEYS[1], tonumber(ARGV[2]), tonumber(ARGV[3]), 1) > 0 then return 0 end
    add(KEYS[1], 1, ARGV[3])
    return 1
    """
)

_LIFT = store.Script("return redis.call('DEL', unpack(KEYS))")


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


def ask(account: str, visitor: Visitor, *, now: float, timeout: int) -> Issued | str:
    """
    Issue a challenge, or return whose budget is spent: "account", "browser" or "address".

    Args:
        account: as ``store.account_key`` gives it.
        visitor: who asks.
        now: Unix time in seconds.
        timeout: how long the code is accepted, in seconds.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    of, browser = swap_user_settings, visitor.browser
    strangers, own, _ = budgets.keys(account, visitor)
    guessed, sent = budgets.places(visitor, "guesses"), budgets.places(visitor, "sends")
    at = visitor.address or ""
    answer = _ASK(
        [
            challenge.last_key(account),
            challenge.key(account, visitor.flow),
            browsers.revocation_key(account),
            budgets.weight_key(account),
            strangers,
            own,
            guessed[0],
            store.key(account, "sends"),
            store.key(account, "sends", browser.id if browser else "-"),
            sent[0],
            store.key(account, "newcomers", store.keyed("address", address.neighbourhood(at))),
            asked_key(account, at),
            store.key(account, "newcomers"),
            guessed[1],
            sent[1],
        ],
        [
            int(now * 1000),
            challenge.earliest(now),
            timeout * 1000,
            int((now + timeout) * 1000),
            of.OTP_DIGITS,
            browser.since(account, now=now) if browser else 0,
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


def asked_key(account: str, at: str) -> str:
    """Return where it lies that somebody at this address has asked for the account."""
    return store.key(account, "asked", store.keyed("address", address.site(at)))


def lift(account: str) -> None:
    """
    Take back all that strangers have used up, of guesses and of messages.

    Args:
        account: as ``store.account_key`` gives it.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    names = ("guesses", "weight", "sends", "newcomers")
    _LIFT([store.key(account, name) for name in names], [])


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
        "receiver": (store.keyed("receiver", receiver), of.OTP_SENDS_PER_RECEIVER),
        "site": ("site", of.OTP_SENDS_PER_SITE),
    }
    for scope, (name, limit) in limits.items():
        key = store.key(name, "sends")
        if limit and not _CHARGE([key], [int(now * 1000), limit, windows.DAY]):
            return scope
    return ""
