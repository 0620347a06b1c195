"""
The simulated year: one account attacked without pause for 365 days, by who has 1,000 addresses.

``pytest -m year -n 2 tests/simulation`` lives through whole years and prints the figures; the other
tests here are the same attacks for a few days.

The attacker makes tens of thousands of attempts. More would not change the result: what brings
something at a step is done until it is refused, and what is refused has no effect on what is to
come. ``test_an_hour_of_twenty_thousand`` shows that.

A message takes longer than everything else, so some of the years are those of a site with a fifth
of the messages, and of an attacker with a fifth of the addresses. Nothing else is different there.
"""

from __future__ import annotations

from typing import Any

import pytest

from swap_user.conf import limits
from tests.simulation.clock import BEGIN, HOUR, MINUTE
from tests.simulation.conftest import OWNERS
from tests.simulation.places import HOME, around, botnet, elsewhere
from tests.simulation.report import PROPERTY
from tests.simulation.year import Year

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.heavy,
    pytest.mark.usefixtures("no_log"),
    pytest.mark.requirement("R19", "R20"),
]

# R20
BAR = 1e-4
ATTEMPTS = 10_000

# A site with a fifth of the messages, and as many addresses as could use them up.
FIFTH = {"limits": {"messages_per_account": 4, "newcomers_per_account": 250}}
FEWER = 200

BEHIND = "attacked from the owner's own address"

# What the year, the owner and the attacker do differently.
OTHERS: dict[str, dict[str, dict[str, Any]]] = {
    "the cache cleared every day": {"year": {"clears": True}},
    "late mail, two codes at a time": {"owner": {"late": True}, "attacker": {"late": True}},
    "an API without sessions": {
        "owner": {"sessions": False},
        "attacker": {"sessions": False, "sampled": 100},
    },
    "stolen and minted browsers": {"year": {"steals": True}, "attacker": {"minted": 10}},
    "a crowded queue and made-up names": {"year": {"crowds": True}, "attacker": {"made_up": 2}},
}


def check(year: Year) -> None:
    """The attacker has not got in, and the owner always has."""
    assert year.owner.failed == []
    # A code is cut out of 31 bits, so that a few are a little likelier than the arithmetic says.
    assert 0 < year.attacker.observer.takeover < min(BAR, limits.yearly_chance() * 1.001)
    assert year.attacker.observer.verified["recovery"] > 0


def check_year(year: Year) -> None:
    """So it was for a whole year."""
    check(year)
    assert year.attacker.attempts.total() > ATTEMPTS
    assert year.owner.logins == 1 + 365 + 12


@pytest.mark.year
@pytest.mark.parametrize(
    ("name", "addresses", "options"),
    [("any code", 1000, {}), ("only sent codes", FEWER, FIFTH), ("only an app", 1000, {})],
)
def test_a_year_of_attack(live, name, addresses, options):
    """All that is free is spent every few hours."""
    what = "attacked all the time"
    check_year(live(name, 365, addresses=botnet(addresses), what=what, **options))


@pytest.mark.year
@pytest.mark.parametrize(
    ("name", "addresses", "options"),
    [("any code", FEWER, FIFTH), ("only sent codes", FEWER, FIFTH), ("only an app", 1000, {})],
)
def test_a_year_of_attack_that_waits_for_the_owner(live, name, addresses, options):
    """The attacker knows when the owner comes with a new browser, and saves the best for then."""
    what, year = "attacked when a new browser comes", {"adaptive": True}
    check_year(live(name, 365, addresses=botnet(addresses), what=what, year=year, **options))


@pytest.mark.year
def test_a_year_of_attack_by_a_neighbour(live):
    """
    The attacker sits behind the owner's own address.

    There, nothing tells a new browser of the owner's from the attacker's: those come elsewhere.
    The known one logs in at home, every day.
    """
    year = {"at_home": False}
    check_year(live("any code", 365, addresses=[HOME], what=BEHIND, year=year, **FIFTH))


@pytest.mark.year
@pytest.mark.parametrize("attack", OTHERS)
def test_a_year_of_another_attack(live, attack):
    """Something is lost, late, stolen or made up. Made-up names come from a thousand addresses."""
    options = OTHERS[attack] | FIFTH
    addresses = botnet(1000 if "made_up" in options.get("attacker", {}) else FEWER)
    check_year(live("any code", 365, addresses=addresses, what=attack, **options))


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
            # A minute later each time, so that the hour of the last ones is surely over.
            owner.clock.move_to(BEGIN + (blocked + 1) * (HOUR + MINUTE))
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
def test_an_hour_of_twenty_thousand(begin):
    """Within one hour 20,000 attempts bring no more than the first few did."""
    many = 20_000
    with begin("any code", botnet(50)) as (owner, attacker):
        Year(1, owner, attacker, owner.clock, elsewhere(1)).run()
        messages, refused = attacker.messages, attacker.limited.total()
        chance, short = attacker.observer.takeover, attacker.observer.verified["short"]
        owner.clock.move_to(BEGIN + 24 * HOUR - MINUTE)
        attacker.dense = many
        attacker.strike()
    assert attacker.limited.total() - refused >= many
    assert attacker.observer.verified["short"] == short
    assert attacker.messages - messages <= 5
    assert attacker.observer.takeover - chance < 1e-7
