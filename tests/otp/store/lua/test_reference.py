"""
The scripts and a slow reference in Python, in any order of what can happen.

Time passes in steps of ten seconds, so that the milliseconds of a real server make no difference.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from services.aging import age
from swap_user.otp.store.budgets import Budget
from swap_user.otp.store.scripts import JSONScript, Script, read
from tests.otp.store.lua.reference import Code, Reference

CHARGE, ASK, ISSUE = (JSONScript(read(name)) for name in ("charge", "ask", "issue"))
BEGIN, TAKE = JSONScript(read("begin_attempt")), JSONScript(read("take_mark"))
END, KEEP = Script(read("end_attempt")), Script(read("keep_attempt"))
KEEP_MARK, GIVE_BACK = Script(read("keep_mark")), Script(read("give_back_mark"))

# Some share a counter, as the reserve of a site does; "x" is always full, "t" counts the tries of
# a flow.
BUDGETS = [
    Budget("b:a", 2, 100, "a"),
    Budget("b:b", 5, 300, "b"),
    Budget("b:b", 4, 300, "b, lower"),
    Budget("b:c", 6, 60, "c", cost=2),
    Budget("b:d", 1, 1000, "d"),
    Budget("b:x", 0, 100, "x"),
    Budget("t:c:one", 2, 600, "code"),
]
lists = st.lists(st.sampled_from(BUDGETS), max_size=3, unique_by=lambda budget: budget.key)
flows = st.sampled_from(["c:one", "c:two", "shared"])
LIFE, TRIES = 300_000, 3
HOUR, YEAR, DAY = 3600, 365 * 86_400, 86_400


class Machine(RuleBasedStateMachine):
    """Each rule does the same to the server and to the reference."""

    url = ""
    attempts, counters, marks = Bundle("attempts"), Bundle("counters"), Bundle("marks")

    @initialize()
    def begin(self) -> None:
        self.client = redis.Redis.from_url(self.url, decode_responses=True)
        self.client.flushall()
        self.reference = Reference()
        self.number = 0

    def teardown(self) -> None:
        self.client.close()

    @rule(choices=st.lists(lists, max_size=3))
    def charge(self, choices: list[list[Budget]]) -> None:
        answer = CHARGE({}, choices=choices)
        number, scope = self.reference.charge(choices)
        assert answer["number"] == number
        assert number or answer["scope"] == scope

    @rule(budgets=lists, guesses=lists, flow=flows)
    def ask(self, budgets: list[Budget], guesses: list[Budget], flow: str) -> None:
        tries = f"t:{flow}"
        answer = ASK({"tries": tries}, budgets=budgets, guesses=guesses)
        scope, is_long = self.reference.ask(budgets, guesses, tries)
        assert answer["scope"] == scope
        assert scope or answer["is_long"] is is_long

    @rule(target=attempts, budgets=lists, brake=lists, flow=flows)
    def begin_short(self, budgets: list[Budget], brake: list[Budget], flow: str) -> Any:
        self.number += 1
        name = f"attempt {self.number}"
        keys = {"open": "open", "far": "far", "shared": "shared", "own": flow}
        answer = BEGIN(keys, budgets=budgets, brake=brake, id=name, lifetime=60)
        self.compare(answer, self.reference.begin_short(name, budgets, brake, flow))
        return name, budgets

    @rule(budgets=lists, flow=flows.filter(lambda flow: flow != "shared"))
    def begin_long(self, budgets: list[Budget], flow: str) -> None:
        left = [f"l:{flow}", "l:all"]
        keys = {"far": "far", "shared": "shared", "own": flow, "left1": left[0], "left2": left[1]}
        now = self.reference.now * 1000
        answer = BEGIN(keys, budgets=budgets, brake=[], tries=TRIES, at=now)
        self.compare(answer, self.reference.begin_long(budgets, TRIES, flow, left))

    @staticmethod
    def compare(answer: Any, expected: Any) -> None:
        if isinstance(expected, str):
            assert answer["scope"] == expected
            return
        assert answer["scope"] == ""
        names = ("position", "is_braked", "shared", "own")
        assert tuple(answer[name] for name in names) == expected

    @rule(attempt=attempts)
    def end_attempt(self, attempt: Any) -> None:
        END({"open": "open"}, id=attempt[0])
        self.reference.end_attempt(attempt[0])

    @rule(attempt=attempts)
    def keep_attempt(self, attempt: Any) -> None:
        KEEP({"open": "open"}, id=attempt[0], seconds=DAY)
        self.reference.keep_attempt(attempt[0], DAY)

    @rule(target=counters, flow=flows, above=st.sampled_from([-1, 100, 5000]), asker=flows)
    def issue(self, flow: str, above: int, asker: str) -> Any:
        now = self.reference.now * 1000
        adds = {f"l:{asker}": 2, "l:all": 1} if flow == "shared" else {}
        answer = ISSUE(
            {"last": "last", "codes": flow, **dict(zip(("asker", "anyone"), adds, strict=False))},
            counter=str(self.reference.now),
            above=str(above),
            now=now,
            expiry=now + LIFE,
            half=LIFE // 2,
            tries=TRIES,
            for_asker=2,
            for_anyone=1,
        )
        code = self.reference.issue(
            flow, above=above, life=LIFE, half=LIFE // 2, most=TRIES, adds=adds
        )
        assert (int(answer["counter"]), int(answer["expiry"])) == (code.counter, code.expiry)
        return code.counter, flow

    @rule(target=marks, code=counters, attempt=attempts)
    def take_a_sent_code(self, code: Any, attempt: Any) -> Any:
        return self.take(*code, *attempt)

    @rule(target=marks, counter=st.integers(0, 9000))
    def take_a_code_of_an_app(self, counter: int) -> Any:
        return self.take(counter, "", "", [])

    def take(self, counter: int, flow: str, name: str, budgets: list[Budget]) -> Any:
        codes = deepcopy(self.reference.get(flow, []))
        answer = TAKE(
            {"mark": "mark", "codes": flow or None, "open": "open" if name else None},
            counter=str(counter),
            lifetime=HOUR * 1000,
            id=name,
            budgets=budgets,
        )
        taken = self.reference.take_mark(counter, HOUR, flow, name, budgets)
        if taken is None:
            assert answer is None
            return multiple()
        assert (answer["before"], int(answer["counter"]), answer["codes"]) == taken
        return taken[1], taken[0], flow, codes

    @rule(mark=marks, seconds=st.sampled_from([HOUR, YEAR]))
    def keep_mark(self, mark: Any, seconds: int) -> None:
        KEEP_MARK({"mark": "mark"}, counter=str(mark[0]), lifetime=seconds * 1000)
        self.reference.keep_mark(mark[0], seconds)

    @rule(mark=consumes(marks))
    def give_back(self, mark: tuple[int, str, str, list[Code]]) -> None:
        counter, before, flow, codes = mark
        GIVE_BACK(
            {"mark": "mark", "codes": flow or None},
            counter=str(counter),
            before=before,
            lifetime=YEAR * 1000,
            codes=",".join(map(str, codes)),
        )
        self.reference.give_back(counter, before, YEAR, flow, codes)

    @rule(tens=st.one_of(st.integers(1, 12), st.sampled_from([15, 16, 30, 360, 8640])))
    def pass_time(self, tens: int) -> None:
        age(self.client, tens * 10)
        self.reference.pass_time(tens * 10)

    @rule()
    def clear(self) -> None:
        """Rarely: most of what there is to see needs what was there before."""
        if self.number % 7 == 3:
            self.client.flushall()
            self.reference.clear()

    @invariant()
    def nothing_else_is_stored(self) -> None:
        """Values and ends are the same."""
        found = {key: self.client.get(key) for key in self.client.keys("*") if key != "open"}
        expected = {key: value for key, (value, _) in self.reference.values.items()}
        assert found == {
            key: ",".join(map(str, value)) if isinstance(value, list) else str(value)
            for key, value in expected.items()
        }
        for key, (_, end) in self.reference.values.items():
            left = self.client.pttl(key) / 1000
            assert end - self.reference.now - 10 < left <= end - self.reference.now
        # What has ended is removed with the next attempt.
        assert set(self.reference.open) <= set(self.client.zrange("open", 0, -1))


@pytest.mark.parametrize("examples", [100])
def test_the_scripts_do_what_the_reference_does(shared_redis, examples):
    """Budgets, attempts, codes and marks: any order of asks, guesses, time and clears."""
    Machine.url = shared_redis.url
    run_state_machine_as_test(
        Machine,
        settings=hypothesis_settings(
            max_examples=examples,
            stateful_step_count=50,
            deadline=None,
            # Shrinking takes minutes with a real server. Add it to look into a failure.
            phases=[Phase.reuse, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
