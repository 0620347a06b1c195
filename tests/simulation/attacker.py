"""An attacker who wants to get in, or to keep the owner out."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from functools import lru_cache

from django.contrib.auth import authenticate
from django.http import HttpRequest

from swap_user.conf import limits
from swap_user.otp import limited, send_code
from swap_user.testing import outbox
from tests.simulation.clock import NEW_AGAIN, Clock
from tests.simulation.observer import Observer
from tests.simulation.places import request_from
from tests.support import totp, username

_WRONG = {"ten digits": "9" * 10, "recovery": "0" * 16}
_SHORT = ("000000", "111111", "222222", "333333", "444444", "555555")


@dataclass
class Attacker:
    """
    An attacker with many addresses and sessions who always spends what could be free.

    Args:
        clock: the test's.
        observer: counts what was verified.
        addresses: his.
        dense: how many short guesses he makes at each step at least, whatever they bring.
    """

    clock: Clock
    observer: Observer
    addresses: list[str]
    dense: int = 1
    attempts: Counter[str] = field(default_factory=Counter)
    limited: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    _turn: int = 0
    # His addresses but for the first, and when each is new to the account; the soonest first.
    _fresh: deque[tuple[float, str]] = field(init=False)

    def __post_init__(self) -> None:
        self._fresh = deque((0, each) for each in self.addresses[1:])

    def strike(self, *, newcomers: bool = True) -> None:
        """Spend all that is free at this moment, and some that isn't."""
        with self.observer.looks():
            tries = 0
            while self.guess(request_from(self._address()), "short") or tries + 1 < self.dense:
                tries += 1
            # An address that asked long ago costs him nothing more; the others he saves.
            while self.ask(self.addresses[0]):
                pass
            while newcomers and self._ask_from_a_new_one():
                pass

    def daily(self) -> None:
        """Try what brings the least: ten digits without a message, and a recovery code."""
        with self.observer.looks():
            self.guess(request_from(self._address()), "recovery")
            self.guess(request_from(self._address()), "ten digits")

    def ask(self, address: str) -> bool:
        """
        Ask for a code; if one is sent, guess at it as often as that is looked at.

        Whether one more try is, he looks at some messages only.
        """
        request, before = request_from(address), len(outbox)
        send_code(request, username())
        self.attempts["sends"] += 1
        if len(outbox) == before:
            self.limited["sends"] += 1
            return False
        self.messages += 1
        if len(outbox[-1].otp) < 10:
            self.guess(request, "short")
            return True
        tries = 0
        while self.guess(request, "ten digits"):
            tries += 1
            if tries == limits.TRIES_PER_CODE and self.messages % 20:
                break
        return True

    def guess(self, request: HttpRequest, kind: str) -> bool:
        """Try a code that is surely wrong, and say whether it was looked at."""
        self.attempts[kind] += 1
        wrong = _WRONG.get(kind) or self._wrong_short()
        assert authenticate(request, username=username(), otp=wrong) is None
        if limited(request):
            self.limited[kind] += 1
            return False
        return True

    def _address(self) -> str:
        self._turn += 1
        return self.addresses[self._turn % len(self.addresses)]

    def _ask_from_a_new_one(self) -> bool:
        if not self._fresh or self._fresh[0][0] > self.clock.now:
            return False
        asked = self.ask(self._fresh[0][1])
        if asked:
            self._fresh.append((self.clock.now + NEW_AGAIN, self._fresh.popleft()[1]))
        return asked

    def _wrong_short(self) -> str:
        right = _shown(int(self.clock.now // 30)) | {each.otp for each in outbox[-1:]}
        return next(code for code in _SHORT if code not in right)


@lru_cache(maxsize=4)
def _shown(step: int) -> frozenset[str]:
    return frozenset(totp(30 * (step + each)) for each in (-1, 0, 1))
