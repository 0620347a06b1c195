"""
Limits on guesses.

The form of the typed code decides its code class:

- Short codes (under ten digits) can be guessed, so their number is limited. The wrong ones are
  stored in the database for 365 days. All unknown browsers share one budget for each account, and
  all known browsers another. Each client address has one in Redis for an hour.
- Long codes (ten digits) can't be guessed in a few tries, and each must be sent first.
- Recovery codes have 80 random bits and can't be guessed.

When the budget of an account is spent, short codes are not compared any more, and sent codes have
ten digits. So an attacker can't lock an account, and a year of guessing has a negligible
probability of success (RFC 4226 section 7.3; NIST SP 800-63B-4 section 3.2.2). The arithmetic is in
``docs/topics/limits.md``.

While an attempt is checked, it is in flight. Attempts that are in flight at the same time take room
in the budget, as if all of them were wrong.
"""

import logging
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from swap_user.conf import limits
from swap_user.models import Authenticator
from swap_user.otp import audit
from swap_user.otp.challenges import login_state, unbound
from swap_user.otp.challenges.login_state import Pending
from swap_user.otp.crypto import hotp
from swap_user.otp.store import keys, scripts
from swap_user.otp.store.budgets import YEAR, Budget
from swap_user.otp.throttling import budgets, weights
from swap_user.otp.visitors.visitor import Visitor
from swap_user.signals import login_limited

# How long an attempt can be in flight, in seconds: longer than a request takes.
_IN_FLIGHT = 60

_BEGIN = scripts.JSONScript(scripts.read("begin_attempt"))
_END = scripts.Script(scripts.read("end_attempt"))
_KEEP = scripts.Script(scripts.read("keep_attempt"))
_KEPT = scripts.JSONScript(scripts.read("kept_attempts"))
_FORGET = scripts.Script("return redis.call('DEL', keys.open)")


@dataclass(frozen=True, slots=True)
class ReachedLimit:
    """
    The limit because of which a code was not checked. It is one of the visitor's own.

    Attributes:
        scope: the spent budget: "address", or "code" (the tries of this flow at a long code).
        retry_in: seconds until the next code is checked.
    """

    scope: str
    retry_in: int

    @property
    def longer(self) -> bool:
        """Whether a longer sent code, or a recovery code, is checked now."""
        return self.scope != "code"


@dataclass(frozen=True, slots=True)
class Counted:
    """
    What the database has counted for an account.

    Attributes:
        strangers: the units of the wrong guesses of unknown browsers.
        known: the units of the wrong guesses of known browsers.
    """

    strangers: int = 0
    known: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """
    The place of an attempt among those in flight. Redis holds it until the wrong guess is stored.

    Attributes:
        key: the Redis key of the attempts in flight. "" if the code is not short.
        id: identifies the attempt.
        counts: whether its wrong guess counts: its code was compared with those of a user.
    """

    key: str = ""
    id: str = ""
    counts: bool = True

    not_saved: str = field(default="wrong guess not saved", init=False)

    def keep(self) -> None:
        """Keep it for a year if it counts: the wrong guess may be rolled back."""
        if self.counts:
            _KEEP({"open": self.key}, id=self.id, seconds=YEAR)

    def settle(self) -> None:
        """Leave it: the wrong guess is stored."""
        _END({"open": self.key}, id=self.id)

    def give_back(self) -> None:
        """Leave it after its minute: the wrong guess could not be stored."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """
    An attempt that has begun.

    Attributes:
        place: its place among the attempts in flight.
        charged: the budgets in Redis that were charged.
        position: how many attempts are in flight, with this one. 0 if it is braked.
        is_braked: whether visitors without a known address have tried too many codes.
        now: Unix time in seconds, by the clock of the Redis server, which all servers share.
        is_known: whether the browser is known for the account, by its signed cookie.
    """

    place: Place = Place()
    charged: tuple[Budget, ...] = ()
    position: int = 0
    is_braked: bool = False
    now: int = 0
    is_known: bool = False

    def has_room(self, counted: Counted, units: int, most_units: int) -> bool:
        """
        Return whether a short code may be compared.

        Args:
            counted: what the database has counted, read after the attempt has begun.
            units: the units of this attempt: the number of codes that are right now.
            most_units: the most units that an attempt at this account can have.
        """
        if self.is_braked:
            return False
        used = counted.known if self.is_known else counted.strangers
        most = _most(is_known=self.is_known)
        # One guess a year is always allowed, whatever its weight.
        if most and not used and self.position == 1:
            return True
        return used + units + (self.position - 1) * most_units <= most


def code_class(code: str | None) -> str:
    """Return the code class: "short", "long", or "recovery" for None."""
    if code is None:
        return "recovery"
    return "long" if len(code) >= hotp.MAX_DIGITS else "short"


def kept(account_key: str) -> tuple[int, int]:
    """
    Return Unix time by the clock of the Redis server, and how many places at an account are kept.

    Args:
        account_key: the account key, see ``keys.account_key()``.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    answer = _KEPT({"open": keys.redis_key(account_key, "open")})
    return _server_time(answer["now"]), answer["kept"]


def forget(account_key: str) -> None:
    """
    Forget the attempts of unknown browsers at an account that are in flight, and those kept.

    Args:
        account_key: the account key, see ``keys.account_key()``.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    _FORGET({"open": keys.redis_key(account_key, "open")})


def accepts_short(
    counted: Counted, authenticators: Iterable[Authenticator], *, kept: int = 0, is_known: bool
) -> bool:
    """
    Return whether a short code that is sent now will be compared.

    Args:
        counted: what the database has counted.
        authenticators: those of the account.
        kept: how many places at the account are kept.
        is_known: whether a known browser of the account asked for the code.
    """
    units = weights.heaviest(authenticators)
    if is_known and counted.known + units <= _most(is_known=True):
        return True
    most = _most(is_known=False)
    used = counted.strangers + kept * units
    return used + units <= most or (most > 0 and not used)


def is_spent(counted: Counted, units: int, *, kept: int) -> bool:
    """
    Return whether strangers have tried codes, and have no guess left.

    Args:
        counted: what the database has counted.
        units: the units of the next guess.
        kept: how many places at the account are kept. These guesses are not in the database yet.
    """
    next_one = max(units, limits.USUAL_WEIGHT)
    used = counted.strangers + kept * next_one
    return used > 0 and used + next_one > _most(is_known=False)


def _most(*, is_known: bool) -> int:
    name: limits.Counted = "known_guesses_per_account" if is_known else "guesses_per_account"
    return limits.limit(name) * limits.USUAL_WEIGHT


def begin(
    account_key: str, code: str | None, visitor: Visitor, *, now: float, is_known: bool
) -> tuple[Attempt, Pending] | ReachedLimit:
    """
    Charge an attempt to its address or flow, and read the state of the login.

    Args:
        account_key: the account key, see ``keys.account_key()``.
        code: the typed digits, or None for a recovery code.
        visitor: the visitor who makes the attempt.
        now: Unix time in seconds.
        is_known: whether the browser counts as known for the account.

    Returns:
        The attempt and the state of the login, or the limit that was reached.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    kind, place = code_class(code), Place()
    args: dict[str, Any] = {}
    charged: list[Budget] = []
    brake: list[Budget] = []
    if kind == "short":
        if not is_known:
            charged, brake = budgets.guesses_by_address(visitor), budgets.guess_brake(visitor)
        place = _new_place(account_key, visitor, is_known=is_known)
        args = {"id": place.id, "lifetime": _IN_FLIGHT}
    elif kind == "long":
        return begin_sent(account_key, visitor, now=now)
    return _begin(
        account_key,
        visitor,
        now=now,
        place=place,
        charged=charged,
        brake=brake,
        args=args,
        is_known=is_known,
    )


def begin_sent(
    account_key: str, visitor: Visitor, *, now: float
) -> tuple[Attempt, Pending] | ReachedLimit:
    """
    Charge a try at a code that must have been sent; see ``begin()``.

    Each pending code of the flow has a few tries, and the flow has as many. The tries at codes
    without a flow are those of the visitor, see ``unbound``.

    Args:
        account_key: the account key, or the key of an address, see ``AddressClaim``.
        visitor: the visitor who makes the attempt.
        now: Unix time in seconds.
    """
    charged = budgets.tries_of(account_key, visitor)
    who = budgets.askers(account_key, visitor)
    return _begin(
        account_key,
        visitor,
        now=now,
        place=Place(),
        charged=charged,
        brake=[],
        args={"tries": limits.TRIES_PER_CODE, "at": int(now * 1000)},
        is_known=False,
        tries_left=unbound.tries_left_keys(account_key, who),
    )


def _begin(
    account_key: str,
    visitor: Visitor,
    *,
    now: float,
    place: Place,
    charged: list[Budget],
    brake: list[Budget],
    args: dict[str, Any],
    is_known: bool,
    tries_left: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Attempt, Pending] | ReachedLimit:
    state = login_state.state_keys(account_key, visitor.flow)
    named = {"open": place.key, **state, **tries_left}
    answer = _BEGIN(named, budgets=charged, brake=brake, **args)
    if answer["scope"]:
        return _report_limit(account_key, answer["scope"], answer["retry_in"])
    attempt = Attempt(
        place=place,
        charged=(*charged, *brake),
        position=answer["position"],
        is_braked=answer["is_braked"],
        now=_server_time(answer["now"]),
        is_known=is_known,
    )
    return attempt, login_state.parse_state(answer, state, now=now)


def _server_time(seconds: int) -> int:
    return seconds


def _new_place(account_key: str, visitor: Visitor, *, is_known: bool) -> Place:
    of_browser = [visitor.known_browser(account_key)] if is_known else []
    return Place(keys.redis_key(account_key, "open", *of_browser), secrets.token_urlsafe(9))


def _report_limit(account_key: str, scope: str, retry_in: int) -> ReachedLimit:
    audit.record(
        logging.WARNING, "login limited", account=account_key, scope=scope, retry_in=retry_in
    )
    login_limited.send_robust(None, account=account_key, scope=scope, retry_in=retry_in)
    return ReachedLimit(scope, retry_in)
