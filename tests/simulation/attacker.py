"""An attacker who wants to get in, or to keep the owner out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import lru_cache
from heapq import heappop, heappush
from itertools import count

from django.contrib.auth import authenticate
from django.http import HttpRequest

from swap_user.conf import limits
from swap_user.otp import send_code
from swap_user.testing import outbox
from tests.simulation.clock import DAY, HOUR, Clock
from tests.simulation.observer import Observer
from tests.simulation.places import request_from
from tests.support import totp, username

_WRONG = {"ten digits": "9" * 10, "recovery": "0" * 16}
_SHORT = ("000000", "111111", "222222", "333333", "444444", "555555", "666666", "777777", "888888")

# After so many seconds a resent message has another code (R55): half of the lifetime of a code.
HALF_LIFE = 151


@dataclass
class Attacker:
    """
    An attacker with many addresses and sessions who always spends what could be free.

    Attributes:
        clock: the test's.
        observer: counts what was compared. The attacker sees it too.
        addresses: those of the attacker.
        dense: how many short guesses are made at each step at least, whatever they bring.
        sampled: at how many of a hundred messages each try is really made. At the others, one try
            stands for all.
        cookies: cookies of browsers, in turns.
        late: whether each code is asked for again after half of its life, so that two are right.
        sessions: whether the requests have sessions. An API may have none.
        made_up: how many usernames without an account are asked for and tried at each step.
        caller: what the requests that guess are made in, such as a transaction.
        attempts: how many there were, by their kind.
        limited: how many of these were without effect.
        messages: how many messages were sent because of this attacker.
    """

    clock: Clock
    observer: Observer
    addresses: list[str]
    dense: int = 1
    sampled: int = 5
    cookies: list[dict[str, str]] = field(default_factory=list)
    late: bool = False
    sessions: bool = True
    made_up: int = 0
    caller: Callable[[], AbstractContextManager[object]] = nullcontext
    attempts: Counter[str] = field(default_factory=Counter)
    limited: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    _turns: count[int] = field(default_factory=count)
    # All addresses but the first, and when each may bring a message again: a heap.
    _fresh: list[tuple[float, str]] = field(init=False)

    def __post_init__(self) -> None:
        self._fresh = sorted((0.0, each) for each in self.addresses[1:])

    def strike(self, *, newcomers: bool = True) -> None:
        """Spend all that is free at this moment, and some that isn't."""
        with self.observer.looks():
            # An address that has asked before costs nothing more; the others are saved.
            while self.ask(self.addresses[0]):
                pass
            while newcomers and self._ask_from_a_new_one():
                pass
            # In the session of a message there was one code more that was right.
            tries = 0
            while self.guess(self._request(), "short") or tries + 1 < self.dense:
                tries += 1
            for _ in range(self.made_up):
                self._try_a_made_up_name()

    def daily(self) -> None:
        """Try what brings the least: ten digits without a message, and a recovery code."""
        with self.observer.looks():
            self.guess(self._request(), "recovery")
            self.guess(self._request(), "ten digits")

    def ask(self, address: str) -> bool:
        """Ask for a code. If one is sent, guess at it as often as that is looked at."""
        request = request_from(address, self._cookies(), session=self.sessions)
        if not self._message(request):
            # A message that was not sent must not be a code that can be guessed.
            if self.attempts["sends"] % 100 == 0:
                self.guess(request, "ten digits")
            return False
        if self.late:
            self.clock.wait(HALF_LIFE)
            self._message(request)
        # Once short codes are not compared any more, most messages are only good for long ones.
        if self._is_sampled() or len(outbox[-1].otp) < 10:
            while self.guess(request, "short"):
                pass
        self._guess_long(request)
        return True

    def guess(self, request: HttpRequest, kind: str) -> bool:
        """Try a code that is surely wrong, and return whether it was compared with a right one."""
        self.attempts[kind] += self.observer.times
        before = self.observer.compared
        wrong = _WRONG.get(kind) or self._wrong_short()
        with self.caller():
            assert authenticate(request, username=username(), otp=wrong) is None
        if self.observer.compared > before:
            return True
        self.limited[kind] += 1
        return False

    def _guess_long(self, request: HttpRequest) -> None:
        """Try ten digits as often as the code allows."""
        if self._is_sampled():
            while self.guess(request, "ten digits"):
                pass
            return
        self.observer.times = limits.TRIES_PER_CODE
        self.guess(request, "ten digits")
        self.observer.times = 1

    def _is_sampled(self) -> bool:
        """Return whether everything is tried at the current message."""
        return self.messages % 100 < self.sampled

    def _message(self, request: HttpRequest) -> bool:
        before = len(outbox)
        send_code(request, username())
        self.attempts["sends"] += 1
        is_sent = len(outbox) > before
        self.messages += is_sent
        self.limited["sends"] += not is_sent
        return is_sent

    def _try_a_made_up_name(self) -> None:
        request = self._request()
        name = username(1000 + self.attempts["made-up names"])
        self.attempts["made-up names"] += 1
        send_code(request, name)
        with self.caller():
            assert authenticate(request, username=name, otp="000000") is None

    def _cookies(self) -> dict[str, str]:
        return self.cookies[next(self._turns) % len(self.cookies)] if self.cookies else {}

    def _request(self) -> HttpRequest:
        number = next(self._turns) % len(self.addresses)
        return request_from(self.addresses[number], self._cookies(), session=self.sessions)

    def _ask_from_a_new_one(self) -> bool:
        """Ask from the address that has waited longest. Return whether a message was sent."""
        if not self._fresh or self._fresh[0][0] > self.clock.now:
            return False
        _, address = heappop(self._fresh)
        is_sent = self.ask(address)
        # A place that was refused may have been refused because of its neighbours, or of all.
        heappush(self._fresh, (self.clock.now + (DAY if is_sent else HOUR), address))
        return is_sent

    def _wrong_short(self) -> str:
        right = _shown(int(self.clock.now // 30)) | {each.otp[-6:] for each in outbox[-4:]}
        return next(code for code in _SHORT if code not in right)


@lru_cache(maxsize=4)
def _shown(step: int) -> frozenset[str]:
    return frozenset(totp(30 * (step + each)) for each in (-1, 0, 1))
