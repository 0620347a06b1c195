"""
The simulated year: one account attacked without pause for 365 days, by who has 1,000 addresses.

``pytest -m year -n 2 tests/simulation`` lives through whole years and prints the figures; the other
tests here are the same attacks for a few days.

The attacker makes tens of thousands of attempts. More would not change the result: what brings
something at a step is done until it is refused, and what is refused has no effect on what is to
come. ``test_an_hour_of_twenty_thousand`` shows that.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulation.clock import BEGIN, HOUR, clock_of
from tests.simulation.conftest import OWNERS
from tests.simulation.observer import observed
from tests.simulation.places import HOME, around, botnet, elsewhere
from tests.simulation.report import PROPERTY
from tests.simulation.year import Year

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("no_log"),
    pytest.mark.requirement("R19", "R20"),
]

# R20
BAR = 1e-4
ATTEMPTS = 20_000

BEHIND = "attacked from the owner's own address"

# What the year, the owner and the attacker do differently.
ALWAYS: dict[str, dict[str, Any]] = {}
JUST_BEFORE = {"year": {"adaptive": True}}
OTHERS: dict[str, dict[str, dict[str, Any]]] = {
    "the cache cleared every day": {"year": {"clears": True}},
    "late mail, two codes at a time": {"owner": {"late": True}, "attacker": {"late": True}},
    "stolen and minted browsers": {"year": {"steals": True}, "attacker": {"minted": 10}},
    "a crowded queue and made-up names": {"year": {"crowds": True}, "attacker": {"made_up": 2}},
}


def check(year: Year) -> None:
    """The attacker has not got in, and the owner always has."""
    assert year.owner.failed == []
    assert 0 < year.attacker.observer.takeover < BAR
    assert year.attacker.observer.verified["recovery"] > 0


def check_year(year: Year) -> None:
    """So it was for a whole year."""
    check(year)
    assert year.attacker.attempts.total() > ATTEMPTS
    assert year.owner.logins == 1 + 365 + 12


@pytest.mark.year
@pytest.mark.parametrize("name", OWNERS)
def test_a_year_of_attack(live, name):
    """All that is free is spent every few hours."""
    check_year(live(name, 365, addresses=botnet(1000), what="attacked all the time", **ALWAYS))


@pytest.mark.year
@pytest.mark.parametrize("name", OWNERS)
def test_a_year_of_attack_that_waits_for_the_owner(live, name):
    """The attacker knows when the owner comes with a new browser, and saves the best for then."""
    what = "attacked when a new browser comes"
    check_year(live(name, 365, addresses=botnet(1000), what=what, **JUST_BEFORE))


@pytest.mark.year
def test_a_year_of_attack_by_a_neighbour(live):
    """
    The attacker sits behind the owner's own address.

    There, nothing tells a new browser of the owner's from the attacker's: those come elsewhere.
    The known one logs in at home, every day.
    """
    check_year(live("any code", 365, addresses=[HOME], what=BEHIND, year={"at_home": False}))


@pytest.mark.year
@pytest.mark.parametrize("attack", OTHERS)
def test_a_year_of_another_attack(live, attack):
    """Something is lost, late, stolen or made up."""
    check_year(live("any code", 365, addresses=botnet(1000), what=attack, **OTHERS[attack]))


@pytest.mark.parametrize("adaptive", [False, True], ids=["always", "just before"])
@pytest.mark.parametrize("name", OWNERS)
def test_a_few_days_of_attack(live, name, adaptive):
    """The same, shorter, with a new browser every other day."""
    what = "attacked when a new browser comes" if adaptive else "attacked all the time"
    year = {"adaptive": adaptive, "every": 2}
    check(live(name, 4, addresses=botnet(60), what=what, year=year))


@pytest.mark.parametrize("name", OWNERS)
def test_a_few_days_of_attack_by_a_neighbour(live, name):
    """The same from the owner's own address."""
    year = {"at_home": False, "every": 2}
    check(live(name, 4, addresses=[HOME], what=BEHIND, year=year))


@pytest.mark.parametrize("attack", OTHERS)
def test_a_few_days_of_another_attack(live, attack):
    """The same, and something is lost, late, stolen or made up."""
    changes = {name: {**options} for name, options in OTHERS[attack].items()}
    changes.setdefault("year", {})["every"] = 2
    check(live("any code", 4, addresses=botnet(60), what=attack, **changes))


@pytest.mark.parametrize("number", [9, pytest.param(300, marks=pytest.mark.year)])
def test_many_addresses_around_the_owner(begin, record_property, number):
    """
    What is not prevented: who has addresses of the owner's provider, or of wherever they are.

    Of three new ones an hour, a new browser there gets no sent code in that hour. The known
    browser comes in all the same, and so does a new one anywhere else.
    """
    place, *others = elsewhere(number)
    blocked = 0
    with begin("only sent codes", around(place, number)) as (owner, attacker):
        owner.first_login()
        while True:
            owner.clock.move_to(BEGIN + (blocked + 1) * HOUR)
            attacker.strike()
            failed = len(owner.failed)
            owner.travel(place, use_app=False, mistype=False)
            if len(owner.failed) == failed:
                break
            owner.failed.pop()
            blocked += 1
            # More than 40 a day would be too many of its own.
            if blocked % 2:
                owner.come_home(use_app=False, mistype=False)
            if blocked % 20 == 1:
                owner.travel(others.pop(), use_app=False, mistype=False)
    text = (
        f"not prevented: who has {number} addresses in the neighbourhood of a new browser keeps "
        f"sent codes from it for {blocked} hours in 90 days, of an owner with nothing else\n"
        f"  meanwhile {owner.logins - blocked - 2} logins of the known browser and of new ones "
        f"elsewhere, {len(owner.failed)} failed"
    )
    record_property(PROPERTY, {"text": text})
    assert owner.failed == []
    assert attacker.observer.takeover < BAR


@pytest.mark.year
def test_an_hour_of_twenty_thousand(live, shared_redis):
    """Within one hour 20,000 attempts bring no more than the first few did."""
    many = 20_000
    usual = live("any code", 1, addresses=botnet(100), what="before an hour of 20,000")
    attacker = usual.attacker
    messages, limited = attacker.messages, attacker.limited.total()
    assert attacker.observer.verified.total() < 1000
    with clock_of(shared_redis.url) as clock, observed() as observer:
        clock.move_to(BEGIN + 24 * HOUR - 1)
        attacker.clock, attacker.observer, attacker.dense = clock, observer, many
        attacker.strike()
    assert attacker.limited.total() - limited >= many
    assert observer.verified["short"] == 0
    assert attacker.messages - messages <= 5
    assert observer.takeover < 1e-7
