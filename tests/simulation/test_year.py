"""
The simulated year: one account attacked without pause for 365 days, by who has 1,000 addresses.

``pytest -m year -s tests/simulation/test_year.py`` lives through whole years and prints the
figures; the other tests here are the same attack for a few days. ``-n 2`` takes half the time.

The attacker makes tens of thousands of attempts. More would not change the result: what he does
at each step, he does until it is refused, and what is refused has no effect on what is to come.
``test_an_hour_of_twenty_thousand`` shows that.
"""

from __future__ import annotations

import faulthandler
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from swap_user.otp.store import keys
from swap_user.users import usernames
from tests.simulation.attacker import Attacker
from tests.simulation.clock import BEGIN, HOUR, clock_of
from tests.simulation.observer import observed
from tests.simulation.owner import Owner
from tests.simulation.places import HOME, around, botnet, elsewhere
from tests.simulation.report import PROPERTY
from tests.simulation.year import Year
from tests.support import give, make_user, username

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("no_log"),
    pytest.mark.requirement("R19", "R20"),
]

OWNERS = {
    "any code": {"app": True, "sent": True, "recovery": False},
    "only sent codes": {"app": False, "sent": True, "recovery": False},
    "only an app and recovery codes": {"app": True, "sent": False, "recovery": True},
}

# R20
BAR = 1e-4
ATTEMPTS = 20_000


@pytest.fixture(autouse=True)
def _time(request) -> None:
    """A year takes longer than any other test may; pytest takes this back afterwards."""
    if request.node.get_closest_marker("year"):
        faulthandler.dump_traceback_later(1800, exit=True, file=sys.__stderr__)


@pytest.fixture
def begin(settings):
    """Begin the time of one of the owners and of an attacker with these addresses."""

    @contextmanager
    def begin(name: str, addresses: list[str]) -> Iterator[tuple[Owner, Attacker]]:
        if not OWNERS[name]["sent"]:
            policy = "swap_user.otp.policies.AuthenticatorOnceEnrolled"
            settings.SWAP_USER = settings.SWAP_USER | {"OTP_POLICY_CLASS": policy}
        user = make_user()
        if OWNERS[name]["app"]:
            give(user)
        account = keys.account_key(usernames.normalize(username()))
        with clock_of(account) as clock, observed() as observer:
            owner = Owner(clock, user, **OWNERS[name])
            # Without messages his attempts would be few.
            attacker = Attacker(clock, observer, addresses, dense=1 if owner.sent else 4)
            yield owner, attacker

    return begin


@pytest.fixture
def live(begin, record_property):
    """Live through the time of one of the owners, and note what came of it."""

    def live(name: str, days: int, *, addresses: list[str], what: str, **options: Any) -> Year:
        with begin(name, addresses) as (owner, attacker):
            year = Year(days, owner, attacker, owner.clock, elsewhere(days), **options)
            year.run()
        record_property(PROPERTY, year.figures(f"{name}, {what}"))
        return year

    return live


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
    """All that is free is spent every other hour."""
    check_year(live(name, 365, addresses=botnet(1000), what="attacked all the time"))


@pytest.mark.year
@pytest.mark.parametrize("name", OWNERS)
def test_a_year_of_attack_that_waits_for_the_owner(live, name):
    """The attacker knows when the owner comes with a new browser, and saves his best for then."""
    what = "attacked when a new browser comes"
    check_year(live(name, 365, addresses=botnet(1000), what=what, adaptive=True))


BEHIND = "attacked from the owner's own address"


@pytest.mark.year
@pytest.mark.parametrize("name", ["any code"])
def test_a_year_of_attack_by_a_neighbour(live, name):
    """
    The attacker sits behind the owner's own address.

    There, nothing tells a new browser of the owner's from the attacker's: those come elsewhere.
    The known one logs in at home, every day.
    """
    check_year(live(name, 365, addresses=[HOME], what=BEHIND, at_home=False))


@pytest.mark.parametrize("adaptive", [False, True], ids=["always", "just before"])
@pytest.mark.parametrize("name", OWNERS)
def test_a_few_days_of_attack(live, name, adaptive):
    """The same, shorter, with a new browser every other day."""
    what = "attacked when a new browser comes" if adaptive else "attacked all the time"
    check(live(name, 4, addresses=botnet(60), what=what, adaptive=adaptive, every=2))


@pytest.mark.parametrize("name", OWNERS)
def test_a_few_days_of_attack_by_a_neighbour(live, name):
    """The same from the owner's own address."""
    check(live(name, 4, addresses=[HOME], what=BEHIND, at_home=False, every=2))


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
            if blocked % 24 == 23:
                owner.clock.age()
            attacker.strike()
            failed = len(owner.failed)
            owner.travel(place, use_app=False, mistype=False)
            if len(owner.failed) == failed:
                break
            owner.failed.pop()
            blocked += 1
            # More than 20 a day would be too many of its own.
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
def test_an_hour_of_twenty_thousand(live):
    """Within one hour 20,000 attempts bring no more than the first few did."""
    many = 20_000
    usual = live("any code", 1, addresses=botnet(100), what="before an hour of 20,000")
    attacker = usual.attacker
    messages, limited = attacker.messages, attacker.limited.total()
    assert attacker.observer.verified.total() < 1000
    with clock_of(usual.clock.account) as clock, observed() as observer:
        clock.move_to(BEGIN + 24 * HOUR - 1)
        attacker.clock, attacker.observer, attacker.dense = clock, observer, many
        attacker.strike()
    assert attacker.limited.total() - limited >= many
    assert observer.verified["short"] == 0
    assert attacker.messages - messages <= 5
    assert observer.takeover < 1e-7
