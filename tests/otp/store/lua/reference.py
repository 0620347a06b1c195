"""
What the scripts promise, written in Python: slow, plain, and with a clock of its own.

Everything that is stored has an end, in seconds of ``now``. What has ended is gone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from swap_user.otp.store.budgets import Budget

FOREVER = float("inf")

USED = 1_000_000
"""The tries of codes of which one was accepted."""


@dataclass
class Code:
    """A pending code."""

    counter: int
    expiry: int
    tries: int = 0

    def __str__(self) -> str:
        return f"{self.counter}:{self.expiry}:{self.tries}"


def text(codes: Iterable[Code]) -> str:
    return ",".join(map(str, codes))


@dataclass
class Reference:
    """
    The state that the scripts share.

    Attributes:
        now: seconds.
        values: what each key holds, and its end.
        open: the attempts in flight: when each of them ends.
    """

    now: int = 0
    values: dict[str, tuple[Any, float]] = field(default_factory=dict)
    open: dict[str, float] = field(default_factory=dict)

    def clear(self) -> None:
        self.values.clear()
        self.open.clear()

    def pass_time(self, seconds: int) -> None:
        self.now += seconds
        self.values = {key: kept for key, kept in self.values.items() if kept[1] > self.now}
        self.open = {name: end for name, end in self.open.items() if end > self.now}

    def get(self, key: str, default: Any = None) -> Any:
        return self.values[key][0] if key in self.values else default

    def put(self, key: str, value: Any, seconds: float) -> None:
        self.values[key] = (value, self.now + seconds)
        self.pass_time(0)

    def replace(self, key: str, value: Any) -> None:
        self.values[key] = (value, self.values[key][1])

    # Budgets

    def full(self, budgets: Iterable[Budget]) -> Budget | None:
        for budget in budgets:
            if self.get(budget.key, 0) + budget.cost > budget.limit:
                return budget
        return None

    def charge_all(self, budgets: Iterable[Budget]) -> None:
        for budget in budgets:
            if self.get(budget.key, 0) == 0:
                self.put(budget.key, budget.cost, budget.window)
            else:
                self.replace(budget.key, self.get(budget.key) + budget.cost)

    def refund(self, budgets: Iterable[Budget]) -> None:
        for budget in budgets:
            if self.get(budget.key, 0) >= budget.cost:
                self.replace(budget.key, self.get(budget.key) - budget.cost)

    def charge(self, choices: list[list[Budget]]) -> tuple[int, str]:
        scope = ""
        for number, budgets in enumerate(choices, 1):
            spent = self.full(budgets)
            if spent is None:
                self.charge_all(budgets)
                return number, scope
            scope = spent.scope
        return 0, scope

    def ask(self, budgets: list[Budget], guesses: list[Budget], tries: str) -> tuple[str, bool]:
        if spent := self.full(budgets):
            return spent.scope, False
        self.charge_all(budgets)
        self.values.pop(tries, None)
        return "", self.full(guesses) is not None

    # Attempts

    def begin_short(self, name: str, budgets: list[Budget], brake: list[Budget], flow: str) -> Any:
        if spent := self.full(budgets):
            return spent.scope
        self.charge_all(budgets)
        is_braked = self.full(brake) is not None
        if not is_braked:
            self.charge_all(brake)
            self.open[name] = self.now + 60
        own, shared = (text(self.get(key, [])) for key in (flow, "shared"))
        return 0 if is_braked else len(self.open), is_braked, shared, own

    def begin_long(self, budgets: list[Budget], most: int, flow: str, left: list[str]) -> Any:
        if spent := self.full(budgets):
            return spent.scope
        self.charge_all(budgets)
        live = [code for code in self.get("shared", []) if code.tries < most]
        live = [code for code in live if code.expiry > self.now * 1000]
        shared = [code for code in reversed(live) if self.take_try(left)]
        own = [code for code in self.get(flow, []) if code.tries < most]
        for code in own:
            code.tries += 1
        return 0, False, text(reversed(shared)), text(own)

    def take_try(self, left: list[str]) -> bool:
        for key in left:
            if self.get(key, 0) > 0:
                self.replace(key, self.get(key) - 1)
                return True
        return False

    def end_attempt(self, name: str) -> None:
        self.open.pop(name, None)

    def keep_attempt(self, name: str, seconds: int) -> None:
        self.open[name] = self.now + seconds + 60

    # Codes

    def issue(
        self, flow: str, *, above: int, life: int, half: int, most: int, adds: dict[str, int]
    ) -> Code:
        now = self.now * 1000
        live = [code for code in self.get(flow, []) if code.expiry > now and code.counter > above]
        newest = live[-1] if live else None
        if newest and newest.tries < most and newest.expiry - now > half:
            self.add_tries(adds, newest.expiry)
            return newest
        code = Code(max(self.now, self.get("last", -1) + 1, above + 1), now + life)
        self.put("last", code.counter, life / 1000)
        self.put(flow, [newest, code] if newest else [code], life / 1000)
        self.add_tries(adds, code.expiry)
        return code

    def add_tries(self, adds: dict[str, int], expiry: int) -> None:
        for key, number in adds.items():
            _, end = self.values.get(key, (0, 0))
            self.values[key] = (self.get(key, 0) + number, max(end, expiry / 1000))

    def take_mark(
        self, counter: int, seconds: int, flow: str, name: str, budgets: list[Budget]
    ) -> tuple[str, int, str] | None:
        self.end_attempt(name)
        self.refund(budgets)
        codes = self.get(flow, []) if flow else []
        if flow and counter not in [code.counter for code in codes if code.tries < USED]:
            return None
        before = self.get("mark", -1)
        if before >= counter:
            return None
        highest = max([counter, *[code.counter for code in codes]])
        self.put("mark", highest, seconds)
        value = text(codes)
        for code in codes:
            code.tries = USED
        return "" if before < 0 else str(before), highest, value

    def keep_mark(self, counter: int, seconds: int) -> None:
        if self.get("mark", -1) <= counter:
            self.put("mark", counter, seconds)

    def give_back(
        self, counter: int, before: str, seconds: int, flow: str, codes: list[Code]
    ) -> None:
        if self.get("mark") != counter:
            return
        del self.values["mark"]
        if before:
            self.put("mark", int(before), seconds)
        used = [Code(code.counter, code.expiry, USED) for code in codes]
        if flow and self.get(flow) == used:
            self.replace(flow, codes)
