"""
Limits on guessing: every attempt is charged before anything is verified, in one round trip.

Three classes of codes, told apart by what was typed:

- short codes (under ten digits) can be guessed, so guesses are few: a known browser has a budget
  of its own, all strangers share one for each account and any 365 days, and each address has one
  an hour. When these are spent, short codes no longer count there, and sent codes have ten digits.
- ten-digit codes can't be guessed with a few tries each, and each has to be sent first.
- recovery codes have 80 random bits: nobody guesses one.

So nobody's account is closed by what others do, and a year of guessing comes to nothing (RFC 4226
section 7.3; NIST SP 800-63B-4 3.2.2). The arithmetic is in ``docs/topics/limits.md``.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from swap_user.conf import swap_user_settings
from swap_user.otp import audit
from swap_user.otp.challenges import login_state
from swap_user.otp.challenges.login_state import Pending
from swap_user.otp.crypto import hotp
from swap_user.otp.store import keys, scripts, windows
from swap_user.otp.throttling import budgets
from swap_user.otp.visitors import known_browsers
from swap_user.otp.visitors.visitor import Visitor
from swap_user.signals import login_limited

# KEYS: when browsers were revoked, the weight of a guess; the guesses of strangers, of this
# browser, of this address and its /48; the tries of this flow, and of those without one; then
# what pending reads.
# ARGV: now in ms; the class; when the browser logged in, or 0, and its id; which places there are;
# the limits of strangers, browser, address and flow; the weight where none is noted.
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
            -- One guess a year there is for everybody, however much it weighs.
            weight = math.min(weight, most)
            -- What is over the limit writes nothing.
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
    -- A code that is bound to no flow counts in each, so each is charged with its tries there:
    -- flows cost nothing. When those are spent, the flow's own code goes on counting.
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

# What a guess weighs was underrated: the rest is charged, and the next one is rated rightly.
# KEYS: the weight, the guesses of strangers. ARGV: now in ms, the weight, how many more, year in
# ms, the limit of strangers.
_REWEIGH = scripts.Script(
    windows.LUA
    + """
    local noted, strangers = KEYS[1], KEYS[2]
    local weight, more = tonumber(ARGV[2]), tonumber(ARGV[3])
    local year, limit = ARGV[4], tonumber(ARGV[5])
    -- Of many at once the first is looked at whatever it weighs; the others have to fit.
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
    An attempt that was not looked at, because there were too many.

    Args:
        scope: whose budget is spent: "account" (of all strangers together), "address", or "code"
            (this visitor's tries at a long one).
        retry_in: in how many seconds the next one would be looked at.
    """

    scope: str
    retry_in: int

    @property
    def longer(self) -> bool:
        """Whether a longer sent code, or a recovery code, is looked at all the same."""
        return self.scope != "code"


@dataclass(frozen=True, slots=True)
class Charge:
    """
    What an attempt was charged.

    Attributes:
        entries: the Redis keys of its budgets, each with the number of entries in it.
        entry: the value of these entries.
        weight: the weight of the guess, in codes of six digits that would be right.
        spent: whether this was the last guess left to strangers.
        known: whether the browser has logged in to this account before.
    """

    entries: Sequence[tuple[str, int]] = ()
    entry: int = 0
    weight: int = budgets.USUAL_WEIGHT
    spent: bool = False
    known: bool = False


def code_class(code: str | None) -> str:
    """Return the class of what was typed; None: a recovery code."""
    if code is None:
        return "recovery"
    return "long" if len(code) >= hotp.MAX_DIGITS else "short"


def charge(
    account_key: str, code: str | None, visitor: Visitor, *, now: float
) -> tuple[Charge, Pending] | ReachedLimit:
    """
    Charge an attempt, and read what waits for it; or say that it is one too many.

    Args:
        account_key: as ``keys.account_key`` returns it.
        code: the digits that were typed; None: a recovery code.
        visitor: who tries.
        now: Unix time in seconds.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    of, browser, now_ms = swap_user_settings, visitor.browser, int(now * 1000)
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
            of.OTP_GUESSES_PER_ACCOUNT,
            of.OTP_GUESSES_PER_BROWSER,
            of.OTP_GUESSES_PER_ADDRESS,
            of.OTP_GUESSES_PER_CODE,
            budgets.usual_weight(),
        ],
    )
    scope, *rest = (_text(value) for value in answer)
    if scope:
        return _report_limit(account_key, scope, -(-int(rest[0]) // 1000))
    paid, spent, weight, known, *values = rest
    # A guess has as many entries as it weighs in the budget of strangers, and one in the others.
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
    Charge a guess for what it weighs, before it is looked at; None: that is too much.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    strangers = keys.redis_key(account_key, "guesses")
    limit = swap_user_settings.OTP_GUESSES_PER_ACCOUNT * budgets.USUAL_WEIGHT
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
