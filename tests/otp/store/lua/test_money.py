"""The scripts of a budget in money: all or nothing, and which signal is due."""

from __future__ import annotations

from typing import Any

import pytest

from swap_user.otp.store.budgets import Budget
from swap_user.otp.store.scripts import JSONScript, Script, read

CHARGE, REFUND = JSONScript(read("charge_money")), Script(read("refund_money"))
KEYS = {"low": "t:low", "spent": "t:spent"}


def budgets(cost: int) -> list[Budget]:
    return [Budget("t:day", 100, 60, "day", cost), Budget("t:month", 150, 600, "month", cost)]


def charge(cost: int, *, rooms: tuple[int, int] = (100, 150)) -> tuple[Any, ...]:
    answer = CHARGE(KEYS, budgets=budgets(cost), rooms=rooms, low=(80, 120), silence=3600)
    return answer["charged"], answer["state"], answer["scope"], answer["signal"]


@pytest.fixture
def counts(client: Any) -> Any:
    return lambda: [int(client.get(key) or 0) for key in ("t:day", "t:month")]


def test_below_four_fifths_there_is_no_signal(counts):
    """The message is charged to both."""
    assert charge(79) == (True, "", "", False)
    assert counts() == [79, 79]


def test_a_message_without_room_is_charged_to_none(counts):
    """Although the other budget has room."""
    charge(70)
    assert charge(31) == (False, "spent", "day", True)
    assert counts() == [70, 70]


def test_a_signal_each_while_the_mark_lasts(counts, client):
    """Once for each state."""
    assert charge(80) == (True, "low", "day", True)
    assert charge(5) == (True, "low", "day", False)
    assert charge(50) == (False, "spent", "day", True)
    assert charge(50) == (False, "spent", "day", False)
    assert 3500 < client.ttl("t:low") <= 3600


def test_the_reserve(counts):
    """A message that may not use it is withheld; the budget is low, but not spent."""
    assert charge(60, rooms=(80, 120)) == (True, "", "", False)
    assert charge(30, rooms=(80, 120)) == (False, "low", "day", True)
    assert charge(30) == (True, "low", "day", False)
    assert counts() == [90, 90]


def test_the_month_can_be_spent_before_the_day(counts, client):
    """The scope names it."""
    client.set("t:month", 130)
    assert charge(10) == (True, "low", "month", True)
    assert charge(20) == (False, "spent", "month", True)
    assert counts() == [10, 140]


def test_a_refund(counts):
    """Both charges are taken back."""
    charge(40)
    REFUND({}, budgets=budgets(40))
    assert counts() == [0, 0]
