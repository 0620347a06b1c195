"""
Limits on guesses: an attempt is charged before the code is checked, in one round trip.

The form of the typed code decides its code class:

- Short codes (under ten digits) can be guessed, so their number is limited. A known browser has
  its own budget. All unknown browsers share one budget per account and 365 days. Each client
  address has one per hour. When a budget is spent, short codes are not accepted there, and sent
  codes have ten digits.
- Long codes (ten digits) can't be guessed in a few tries, and each must be sent first.
- Recovery codes have 80 random bits and can't be guessed.

So an attacker can't lock an account, and a year of guessing has a negligible probability of
success (RFC 4226 section 7.3; NIST SP 800-63B-4 section 3.2.2). The arithmetic is in
``docs/topics/limits.md``.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from swap_user.conf import limits
from swap_user.otp import audit
from swap_user.otp.challenges import login_state
from swap_user.otp.challenges.login_state import Pending
from swap_user.otp.crypto import hotp
from swap_user.otp.store import keys, scripts, windows
from swap_user.otp.throttling import budgets
from swap_user.otp.visitors import known_browsers
from swap_user.otp.visitors.visitor import Visitor
from swap_user.signals import login_limited

# KEYS: the revocation time of browsers; the weight of a guess; the guesses of unknown browsers, of
# this browser, of this address and of its /48; the tries of this flow, and of visitors without a
# flow; then the keys of login_state.
# ARGV: now in ms; the code class; the time of the browser's last login, or 0, and its id; which
# budgets of the address to charge; the limits of unknown browsers, browser, address and flow; the
# weight to use if none is stored.
_CHARGE = scripts.Script(
    windows.LUA
    + known_browsers.LUA
    + budgets.LUA
    + """
    local revoked, noted, strangers, own, near, wide, tries, unbound = unpack(KEYS, 1, 8)
    local _, code_class, since, browser, place = unpack(ARGV, 1, 5)
    local most, most_own, most_near = number(6), number(7), number(8)
    local most_tries, start = number(9), number(10)
    local known = is_known(revoked, tonumber(since), browser)
    local weight = tonumber(redis.call('GET', noted)) or start
    local paid, spent, scope, left = '', 0, '', 0
    if code_class == 'short' then
        if known and wait(own, most_own, YEAR, 1) == 0 then
            add(own, 1, YEAR)
            paid = 'browser'
        else
            most = most * USUAL
            -- One guess per year is always allowed, whatever its weight, unless the limit is 0.
            weight = math.max(1, math.min(weight, most))
            -- An attempt over the limit is not recorded.
            left = wait(strangers, most, YEAR, weight)
            if left > 0 then
                scope = 'account'
            else
                left = wait_there(place, near, wide, most_near)
                if left > 0 then scope = 'address' end
            end
            if scope == '' then
                add_there(place, near, wide)
                add(strangers, weight, YEAR)
                paid = 'account'
                if redis.call('LLEN', strangers) + weight > most then spent = 1 end
            end
        end
    elseif code_class == 'long' then
        left = wait(tries, most_tries, HOUR, 1)
        if left > 0 then scope = 'code' else add(tries, 1, HOUR) end
    end
    if scope ~= '' then return {scope, left} end

    local waiting = redis.call('MGET', unpack(KEYS, 9))
    -- A code that is not bound to a flow is accepted in all flows, and an attacker can start any
    -- number of them. So its tries in all flows are charged to one budget. When that is spent, the
    -- code of the flow itself is still checked.
    if code_class == 'long' and waiting[2] and unbound ~= tries then
        if wait(unbound, most_tries, HOUR, 1) > 0 then
            waiting[2] = false
        else
            add(unbound, 1, HOUR)
        end
    end
    for i = 1, #waiting do waiting[i] = waiting[i] or '' end
    return {'', paid, spent, weight, known and 1 or 0, unpack(waiting)}
    """
)

# Charges the rest if a guess weighs more than it was charged, and stores the weight for the next.
# KEYS: the weight, the guesses of unknown browsers. ARGV: now in ms, the weight, the number of
# entries to add, a year in ms, the limit of unknown browsers.
_REWEIGH = scripts.Script(
    windows.LUA
    + """
    local noted, strangers = KEYS[1], KEYS[2]
    local weight, more = tonumber(ARGV[2]), tonumber(ARGV[3])
    local year, limit = ARGV[4], tonumber(ARGV[5])
    -- Of concurrent guesses, the first is always checked. The others need room in the budget.
    local first = tonumber(redis.call('GET', noted) or '0') < weight
    redis.call('SET', noted, ARGV[2], 'PX', year)
    if more <= 0 then return 0 end
    local held = redis.call('LLEN', strangers)
    if held + more > limit and not first then return -1 end
    add(strangers, more, year)
    return held + more + math.min(weight, limit) > limit and 1 or 0
    """
)


@dataclass(frozen=True, slots=True)
class ReachedLimit:
    """
    The limit because of which a code was not checked.

    Attributes:
        scope: the spent budget: "account" (all unknown browsers together), "address", or "code"
            (the tries of this flow at a long code).
        retry_in: seconds until the next code is checked.
    """

    scope: str
    retry_in: int

    @property
    def longer(self) -> bool:
        """Whether a longer sent code, or a recovery code, is checked now."""
        return self.scope != "code"


@dataclass(frozen=True, slots=True)
class Charge:
    """
    The charge of an attempt.

    Attributes:
        entries: the Redis keys of the charged budgets, each with the number of entries added.
        entry: the value of these entries.
        weight: the weight of the guess: the number of six-digit codes that are right.
        spent: whether this was the last guess of unknown browsers.
        known: whether the browser has logged in to this account before.
    """

    entries: Sequence[tuple[str, int]] = ()
    entry: int = 0
    weight: int = budgets.USUAL_WEIGHT
    spent: bool = False
    known: bool = False


def code_class(code: str | None) -> str:
    """Return the code class: "short", "long", or "recovery" for None."""
    if code is None:
        return "recovery"
    return "long" if len(code) >= hotp.MAX_DIGITS else "short"


def charge(
    account_key: str, code: str | None, visitor: Visitor, *, now: float
) -> tuple[Charge, Pending] | ReachedLimit:
    """
    Charge an attempt and read the state of the login.

    Args:
        account_key: the account key, see ``keys.account_key()``.
        code: the typed digits, or None for a recovery code.
        visitor: the visitor who makes the attempt.
        now: Unix time in seconds.

    Returns:
        The charge and the state of the login, or the limit that was reached.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    browser, now_ms = visitor.browser, int(now * 1000)
    since = browser.since(account_key, now=now) if browser else 0
    strangers, own, tries = budgets.budget_keys(account_key, visitor)
    place = budgets.places(visitor, "guesses")
    waiting = login_state.state_keys(account_key, visitor.flow)
    answer = _CHARGE(
        [
            known_browsers.revocation_key(account_key),
            budgets.weight_key(account_key),
            strangers,
            own,
            *place,
            tries,
            budgets.tries_key(account_key, None),
            *waiting,
        ],
        [
            now_ms,
            code_class(code),
            since,
            browser.id if browser else "",
            budgets.placed(visitor),
            limits.limit("guesses_per_account"),
            limits.limit("known_guesses_per_account"),
            limits.limit("guesses_per_address"),
            limits.TRIES_PER_CODE,
            budgets.usual_weight(),
        ],
    )
    scope, *rest = (_text(value) for value in answer)
    if scope:
        return _report_limit(account_key, scope, -(-int(rest[0]) // 1000))
    paid, spent, weight, known, *values = rest
    # In the budget of unknown browsers a guess has as many entries as its weight, elsewhere one.
    entries = {
        "browser": [(own, 1)],
        "account": [(strangers, int(weight)), *((key, 1) for key in dict.fromkeys(place))],
        "": [],
    }[paid]
    if code_class(code) == "long":
        unbound = budgets.tries_key(account_key, None)
        entries = [(key, 1) for key in dict.fromkeys((tries, unbound))]
    return (
        Charge(entries, now_ms, int(weight), spent == "1", known == "1"),
        login_state.parse_state([value or None for value in values], waiting, now=now),
    )


def reweigh(account_key: str, paid: Charge, weight: int) -> Charge | None:
    """
    Charge the full weight of a guess before the code is compared.

    Args:
        account_key: the account key, see ``keys.account_key()``.
        paid: the charge so far.
        weight: the full weight.

    Returns:
        The new charge, or None if the budget has no room for it.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    strangers = keys.redis_key(account_key, "guesses")
    limit = limits.limit("guesses_per_account") * budgets.USUAL_WEIGHT
    charged = dict(paid.entries)
    more = max(0, min(weight, limit) - paid.weight) if strangers in charged else 0
    touched = [budgets.weight_key(account_key), strangers]
    answer = int(_REWEIGH(touched, [paid.entry, weight, more, windows.YEAR, limit]))
    if answer < 0:
        return None
    if strangers in charged:
        charged[strangers] += more
    return replace(
        paid,
        entries=[*charged.items()],
        weight=paid.weight + more,
        spent=paid.spent or answer == 1,
    )


def _report_limit(account_key: str, scope: str, retry_in: int) -> ReachedLimit:
    audit.record(
        logging.WARNING, "login limited", account=account_key, scope=scope, retry_in=retry_in
    )
    login_limited.send_robust(None, account=account_key, scope=scope, retry_in=retry_in)
    return ReachedLimit(scope, retry_in)


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
