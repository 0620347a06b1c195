"""
A simulated year: an owner, an attacker who never gives up, and a clock that obeys the test.

Everything goes through the doors that a site uses: ``send_code`` and ``authenticate`` with a
request that has an address, a session and cookies, then Django's ``login`` and
``remember_browser``. Redis is a real one. Since its clock is the real one, ``Clock`` takes from
the keys that live longer than a day the time that has passed, see ``_PASS``; shorter ones hold
the times that count, and are cleared away once they are over.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import time_machine
from django.contrib.auth import authenticate, login
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.http import HttpRequest, HttpResponse

from swap_user.otp import browsers, limited, recovery, remember_browser, send_code, store, verifier
from swap_user.otp.recovery import generate_recovery_codes
from swap_user.testing import outbox
from tests.support import totp, username

MINUTE, HOUR, DAY = 60, 3600, 86_400
BEGIN = 1_800_000_000 // DAY * DAY

HOME = "203.0.113.7"

# Whoever pauses for 90 days is new to the account again (``sends._NEW_AGAIN``); one day more,
# because what lies in Redis gets older once a day only.
NEW_AGAIN = 91 * DAY

# KEYS: none. ARGV: how many ms have passed, now in ms, patterns of keys that live for longer than
# a day. Those get older by what has passed; of the others, strings are over after an hour, and
# lists when their last entry is older than a day.
_PASS = """
local long = {}
for i = 3, #ARGV do
    for _, key in ipairs(redis.call('KEYS', ARGV[i])) do long[key] = true end
end
for _, key in ipairs(redis.call('KEYS', '*')) do
    if long[key] then
        local left = redis.call('PTTL', key) - tonumber(ARGV[1])
        if left > 0 then redis.call('PEXPIRE', key, left) else redis.call('DEL', key) end
    elseif string.find(key, 'newcomers', 1, true) then
        -- It holds the times that count, however long it lives.
    elseif redis.call('TYPE', key).ok == 'string' then
        redis.call('DEL', key)
    elseif tonumber(redis.call('LINDEX', key, -1)) <= tonumber(ARGV[2]) - 86400000 then
        redis.call('DEL', key)
    end
end
return 1
"""


@dataclass
class Clock:
    """The time in the test, in seconds since 1970; ``account`` is whose keys are long-lived."""

    traveller: Any
    account: str
    now: float = BEGIN
    aged_at: float = BEGIN

    def move_to(self, moment: float) -> None:
        """Let the time be ``moment``, but never earlier than it is."""
        self.now = max(self.now, moment)
        self.traveller.move_to(self.now)

    def age(self) -> None:
        """Let what lies in Redis get older by what has passed since the last time."""
        passed, self.aged_at = self.now - self.aged_at, self.now
        names = ("guesses*", "weight", "asked:*", "browsers")
        long_lived = [store.key(self.account, name).replace("[", "\\[") for name in names]
        with store._reached() as client:
            client.eval(_PASS, 0, int(passed * 1000), int(self.now * 1000), *long_lived)


@dataclass
class Observer:
    """
    Counts the guesses that were compared with what would have been right.

    It stands where the codes are compared, so that nothing that is refused before counts, and
    everything that isn't does.
    """

    verified: Counter[str] = field(default_factory=Counter)
    # log(1 - p) of each: the chance that none was right is e to the power of the sum.
    survived: float = 0.0
    watching: bool = False

    def choose(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``candidates.choose`` that counts."""

        def choose(code: str, found: Any) -> Any:
            if self.watching:
                fresh = [each for each in found if each.counter > each.authenticator.consumed]
                right = {each.expected for each in fresh if len(each.expected) == len(code)}
                kind = "ten digits" if len(code) == 10 else "short"
                self.verified[kind if right else f"{kind}, nothing waited"] += 1
                # A code is cut out of 31 bits (RFC 4226 section 5.3): of ten digits there are
                # 2**31, and of six some are a little likelier than others. A clever attacker
                # tries those first.
                p = len(right) * math.ceil(2**31 / 10 ** len(code)) / 2**31
                self.survived += math.log1p(-p)
            return original(code, found)

        return choose

    def choose_recovery(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``recovery.choose`` that counts."""

        def choose(code: str, rows: Any) -> Any:
            if self.watching:
                self.verified["recovery"] += 1
                left = sum(row.used_at is None for row in rows)
                self.survived += math.log1p(-left / 2.0**80)
            return original(code, rows)

        return choose

    @property
    def takeover(self) -> float:
        """The chance that one of the guesses was right."""
        return -math.expm1(self.survived)

    @contextmanager
    def looks(self) -> Iterator[None]:
        """Count within: these are the attacker's."""
        self.watching = True
        try:
            yield
        finally:
            self.watching = False


def request_from(address: str, cookies: dict[str, str] | None = None) -> HttpRequest:
    """Return a request from ``address``, in a new session."""
    request = HttpRequest()
    request.META = {"REMOTE_ADDR": address, "SERVER_NAME": "testserver", "SERVER_PORT": "80"}
    request.session = SessionStore()
    request.COOKIES.update(cookies or {})
    return request


@dataclass
class Attacker:
    """
    Somebody with many addresses and sessions who always spends what could be free.

    Args:
        clock: the test's.
        observer: counts what was verified.
        addresses: his.
        dense: how many attempts he makes at each step besides, whatever they bring.
    """

    clock: Clock
    observer: Observer
    addresses: list[str]
    dense: int = 2
    attempts: Counter[str] = field(default_factory=Counter)
    limited: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    lucky: int = 0
    _asked: dict[str, float] = field(default_factory=dict)
    _turn: int = 0

    def address(self) -> str:
        """Return the next of his addresses."""
        self._turn += 1
        return self.addresses[self._turn % len(self.addresses)]

    def strike(self, *, newcomers: bool = True) -> None:
        """Spend all that is free at this moment, and some that isn't."""
        with self.observer.looks():
            for _ in range(self.dense):
                self.guess(request_from(self.address()), "short")
            while self.guess(request_from(self.address()), "short"):
                pass
            # An address that asked long ago costs him nothing more; the others he saves.
            while self.ask(self.addresses[0]):
                pass
            while newcomers and (fresh := self.newcomer()) and self.ask(fresh):
                pass

    def daily(self) -> None:
        """Try what brings the least: ten digits without a message, and a recovery code."""
        with self.observer.looks():
            self.guess(request_from(self.address()), "recovery")
            self.guess(request_from(self.address()), "ten digits")

    def newcomer(self) -> str | None:
        """Return an address that is new to the account, as far as he knows; None if none is."""
        now = self.clock.now
        return next(
            (
                each
                for each in self.addresses[1:]
                if self._asked.get(each, -math.inf) + NEW_AGAIN <= now
            ),
            None,
        )

    def ask(self, address: str) -> bool:
        """Ask for a code; if one is sent, guess at it as often as that is looked at."""
        request, before = request_from(address), len(outbox)
        send_code(request, username())
        self.attempts["sends"] += 1
        if len(outbox) == before:
            self.limited["sends"] += 1
            return False
        self.messages += 1
        self._asked[address] = self.clock.now
        kind = "ten digits" if len(outbox[-1].otp) == 10 else "short"
        while self.guess(request, kind):
            pass
        return True

    def guess(self, request: HttpRequest, kind: str) -> bool:
        """Try a code that is surely wrong, and say whether it was looked at."""
        self.attempts[kind] += 1
        wrong = {"short": "none", "ten digits": "9" * 10, "recovery": "0" * 16}[kind]
        if kind == "short":
            wrong = next(code for code in _SHORT if code not in self._right())
        assert authenticate(request, username=username(), otp=wrong) is None
        if limited(request):
            self.limited[kind] += 1
            return False
        return True

    def _right(self) -> set[str]:
        sent = {outbox[-1].otp} if outbox else set()
        return sent | {totp(self.clock.now + 30 * step) for step in (-1, 0, 1)}


_SHORT = ("000000", "111111", "222222", "333333", "444444", "555555")


@dataclass
class Owner:
    """
    The owner of the account, who does what the pages say.

    Args:
        clock: the test's.
        user: the account.
        app: whether there is an authenticator app.
        sent: whether sent codes let in.
        recovery: whether there are recovery codes.
    """

    clock: Clock
    user: Any
    app: bool
    sent: bool
    recovery: bool
    logins: int = 0
    failed: list[str] = field(default_factory=list)
    helped: Counter[str] = field(default_factory=Counter)
    _cookies: dict[str, str] = field(default_factory=dict)
    _codes: list[str] = field(default_factory=list)

    def first_login(self) -> None:
        """Get to know the browser at home, before anybody attacks."""
        self.visit("first", HOME, self._cookies, use_app=self.app, mistype=False)
        if self.recovery:
            self._codes = generate_recovery_codes(self.user)

    def come_home(self, *, use_app: bool, mistype: bool) -> None:
        """Log in from the browser that is known."""
        self.visit("known browser", HOME, self._cookies, use_app=use_app, mistype=mistype)

    def travel(self, address: str, *, use_app: bool, mistype: bool) -> None:
        """Log in from a browser that was never here."""
        self.visit(f"new browser at {address}", address, {}, use_app=use_app, mistype=mistype)

    def visit(
        self, what: str, address: str, cookies: dict[str, str], *, use_app: bool, mistype: bool
    ) -> None:
        """Log in, or count a failure."""
        self.logins += 1
        request = request_from(address, cookies)
        if not self._enters(request, use_app=use_app, mistype=mistype):
            self.failed.append(f"day {(self.clock.now - BEGIN) / DAY:.1f}, {what}")
            return
        login(request, self.user)
        response = HttpResponse()
        remember_browser(request, response)
        cookies[browsers.COOKIE] = response.cookies[browsers.COOKIE].value
        if self.recovery and self._codes and recovery.remaining(self.user) <= 3:
            self._codes = generate_recovery_codes(self.user)

    def _enters(self, request: HttpRequest, *, use_app: bool, mistype: bool) -> bool:
        message = self._ask(request)
        code = totp(self.clock.now) if use_app else message
        if code and mistype:
            wrong = str((int(code) + 1) % 10 ** len(code)).zfill(len(code))
            self._enter(request, wrong)
        if code and self._enter(request, code):
            return True
        # The page says that short codes don't count here now: it tells to ask for another one,
        # which is longer, or to use a recovery code.
        if self.sent:
            for _ in range(3):
                self.clock.move_to(self.clock.now + 31)
                if (another := self._ask(request)) and self._enter(request, another):
                    self.helped["another code"] += 1
                    return True
            # None came; the one that was sent with the name is still good, and was a long one.
            if message and self._enter(request, message):
                self.helped["the first code after all"] += 1
                return True
        if self._codes and self._enter(request, self._codes.pop()):
            self.helped["recovery code"] += 1
            return True
        return False

    def _ask(self, request: HttpRequest) -> str | None:
        before = len(outbox)
        send_code(request, username())
        return outbox[-1].otp if len(outbox) > before else None

    def _enter(self, request: HttpRequest, code: str) -> bool:
        return authenticate(request, username=username(), otp=code) == self.user


@dataclass
class Year:
    """
    The year of one owner: daily a login from the known browser, monthly one from a new one.

    Args:
        days: how long it is.
        owner: who logs in.
        attacker: who attacks, every other hour and just before each login of the owner.
        adaptive: whether he knows when a new browser comes, and saves for these hours what each
            of his addresses has only once.
        at_home: whether every third of the owner's new browsers is at the home address.
        every: after how many days a new browser comes.
    """

    days: int
    owner: Owner
    attacker: Attacker
    clock: Clock
    adaptive: bool = False
    at_home: bool = True
    every: int = 30
    rng: random.Random = field(default_factory=lambda: random.Random(4))

    def run(self) -> None:
        """Live through it."""
        self.owner.first_login()
        for day in range(self.days):
            self.live(day)
            self.clock.age()

    def live(self, day: int) -> None:
        """Live through one day."""
        travels, month = (day + 1) % self.every == 0, day // self.every
        away_hour, home_hour = self.rng.randrange(24), self.rng.randrange(24)
        self.attacker.daily()
        for hour in range(24):
            begin = BEGIN + day * DAY + hour * HOUR
            comes = hour == home_hour or (travels and hour == away_hour)
            if hour % 2 == 0 or comes:
                self.clock.move_to(begin + self.rng.randrange(10) * MINUTE)
                near = travels and away_hour - 2 <= hour <= away_hour
                self.attacker.strike(newcomers=near or not self.adaptive)
            if travels and hour == away_hour:
                self.clock.move_to(begin + self.rng.randrange(11, 30) * MINUTE)
                self.attacker.strike()
                address = HOME if self.at_home and month % 3 == 2 else f"192.0.2.{month + 1}"
                self.owner.travel(address, use_app=self._by_app(month), mistype=month % 10 == 9)
            if hour == home_hour:
                self.clock.move_to(begin + self.rng.randrange(31, 50) * MINUTE)
                self.owner.come_home(use_app=self._by_app(day), mistype=day % 10 == 9)

    def _by_app(self, number: int) -> bool:
        return self.owner.app and (not self.owner.sent or number % 2 == 0)

    def report(self, name: str) -> str:
        """Return the figures."""
        attacker, observer, owner = self.attacker, self.attacker.observer, self.owner
        lines = [
            f"{name}: {self.days} days",
            f"  attempts      {attacker.attempts.total():>7}  {_parts(attacker.attempts)}",
            f"  limited       {attacker.limited.total():>7}  {_parts(attacker.limited)}",
            f"  verified      {observer.verified.total():>7}  {_parts(observer.verified)}",
            f"  messages      {attacker.messages:>7}  that the attacker had sent",
            f"  takeover      {observer.takeover:>7.1e}  chance",
            f"  owner         {owner.logins:>7}  logins, {_parts(owner.helped) or 'no detour'}",
            f"  owner failed  {len(owner.failed):>7}  {'; '.join(owner.failed)}",
        ]
        return "\n".join(lines)


def _parts(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counts.most_common())


@contextmanager
def observed() -> Iterator[Observer]:
    """Watch the two places where codes are compared."""
    observer = Observer()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verifier, "choose", observer.choose(verifier.choose))
        patch.setattr(recovery, "choose", observer.choose_recovery(recovery.choose))
        yield observer


@contextmanager
def clock_of(account: str) -> Iterator[Clock]:
    """Give a clock that stands still until it is moved."""
    with time_machine.travel(BEGIN, tick=False) as traveller:
        yield Clock(traveller, account)
