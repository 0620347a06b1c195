"""Budgets, by the scripts that charge them: ``budgets.lua``, ``charge.lua`` and ``ask.lua``."""

import pytest

from services.aging import age
from swap_user.otp.store.budgets import Budget
from swap_user.otp.store.scripts import JSONScript, Script, read

CHARGE, ASK = JSONScript(read("charge")), JSONScript(read("ask"))
REFUND = Script(read("budgets") + "refund(args.budgets)")


def budget(key="a", limit=3, window=100, scope="", cost=1):
    return Budget(key, limit, window, scope or key, cost)


def charge(*choices):
    answer = CHARGE({}, choices=list(choices))
    return answer["number"], answer["scope"]


def ask(*budgets, guesses=(), tries=None):
    return ASK({"tries": tries}, budgets=list(budgets), guesses=list(guesses))


def test_so_many_fit(client):
    """The limit is reached, never passed."""
    assert [charge([budget()]) for _ in range(5)] == [(1, "")] * 3 + [(0, "a")] * 2
    assert client.get("a") == "3"


def test_a_limit_of_none_fits_nothing(client):
    """Nothing is stored either."""
    assert charge([budget(limit=0)]) == (0, "a")
    assert client.keys("*") == []


def test_the_window_begins_with_the_first_event(client):
    """And ends as long after it, whatever comes between."""
    charge([budget()])
    age(client, 60)
    charge([budget()])
    assert 0 < client.ttl("a") <= 40
    age(client, 40)
    assert [charge([budget()])[0] for _ in range(4)] == [1, 1, 1, 0]
    assert 60 < client.ttl("a") <= 100


@pytest.mark.parametrize(("cost", "fit"), [(1, 3), (2, 1), (3, 1), (4, 0)])
def test_the_cost_of_an_event(client, cost, fit):
    """All of it fits, or none."""
    assert sum(charge([budget(cost=cost)])[0] for _ in range(5)) == fit
    assert client.get("a") == (str(fit * cost) if fit else None)
    assert client.ttl("a") > 0 or not fit


@pytest.mark.parametrize("cost", [1, 4])
def test_a_charge_is_taken_back(client, cost):
    """All of it; a counter that has ended meanwhile does not begin again."""
    asked = budget(limit=9, cost=cost)
    charge([asked])
    REFUND({}, budgets=[asked])
    assert client.get("a") == "0"
    client.delete("a")
    REFUND({}, budgets=[asked])
    assert client.get("a") is None


def test_when_a_full_budget_has_room_again(client):
    """The answer has the rest of its window in seconds, rounded up."""
    full = budget(limit=1, window=100_000)
    ask(full)
    client.pexpire("a", 100_000_000)
    assert 99_999 <= ask(full)["retry_in"] <= 100_000


def test_all_budgets_of_a_choice_or_none(client):
    """One that is full keeps the others as they were, in any order."""
    full = budget("b", limit=0)
    assert charge([budget(), full]) == charge([full, budget()]) == (0, "b")
    assert client.keys("*") == []


def test_the_first_choice_with_room(client):
    """The others are not charged; with none, the budget that was found full last is named."""
    choices = [budget("a", 1)], [budget("b", 1), budget("c", 2)]
    assert [charge(*choices) for _ in range(3)] == [(1, ""), (2, ""), (0, "b")]
    assert (client.get("a"), client.get("b"), client.get("c")) == ("1", "1", "1")


def test_a_counter_with_two_limits(client):
    """A reserve: who has the higher limit goes on."""
    low, high = budget(limit=2, scope="low"), budget(limit=3, scope="high")
    assert [charge([each]) for each in (low, low, low, high, high)] == [
        (1, ""),
        (1, ""),
        (0, "low"),
        (1, ""),
        (0, "high"),
    ]


def test_no_choice_is_no_room():
    """An empty list of choices charges nothing; an empty choice always fits."""
    assert charge() == (0, "")
    assert charge([]) == (1, "")


def test_a_request_for_a_code(client):
    """It is charged; the tries of its flow begin again."""
    client.set("tries", 5)
    assert ask(budget(), tries="tries") == {"scope": "", "is_long": False}
    assert client.get("a") == "1"
    assert not client.exists("tries")


def test_a_request_that_is_limited(client):
    """It says which budget, and for how long; the tries of its flow stay."""
    ask(budget(limit=1))
    client.set("tries", 5)
    age(client, 20.5)
    answer = ask(budget(limit=1), budget("b"), tries="tries")
    assert answer["scope"] == "a"
    assert 60 < answer["retry_in"] <= 80
    assert client.get("tries") == "5"
    assert not client.exists("b")


@pytest.mark.parametrize(("limits", "is_long"), [((2, 2), False), ((2, 1), True), ((1, 2), True)])
def test_guesses_are_read_and_not_charged(client, limits, is_long):
    """A code has ten digits as soon as one of the budgets of guesses is full."""
    client.set("g", 1)
    guesses = [budget("g", limits[0]), budget("g", limits[1])]
    for _ in range(3):
        assert ask(budget(limit=9), guesses=guesses)["is_long"] is is_long
    assert client.get("g") == "1"


def test_a_time_that_is_almost_over(client):
    """At least a second."""
    client.set("a", 1, px=100_000)
    age(client, 99.9)
    client.persist("a")
    client.pexpire("a", 500)
    assert ask(budget(limit=1)).get("retry_in") == 1
