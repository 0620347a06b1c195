"""Many attempts at the same moment, and a cache that is cleared between them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from swap_user.conf import limits
from swap_user.otp import send_code
from tests.simulation.attacker import HALF_LIFE, Attacker
from tests.simulation.places import botnet, request_from
from tests.simulation.report import PROPERTY
from tests.support import username

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.heavy,
    pytest.mark.usefixtures("no_log"),
    pytest.mark.requirement("R17", "R20", "R45"),
]

# A year of guessing: 16 guesses at four codes of six digits each, and five tries at each message.
MOST = 16 * limits.USUAL_WEIGHT * 1e-6
LONG = (20 * 366 + 1250 * 6) * limits.TRIES_PER_CODE / 2**31


@dataclass
class Burst:
    """
    Attempts of which each begins before the one before ends: none of them is stored yet.

    Attributes:
        attacker: who makes them.
        clears: how often the cache is cleared when there is no room for another attempt.
        asks: whether codes are asked for again after that.
    """

    attacker: Attacker
    clears: int
    asks: bool

    def run(self) -> float:
        """Make as many attempts as are compared, and return the chance that one was right."""
        observer = self.attacker.observer
        self.request = request_from(self.attacker.addresses[0])
        self.ask()
        observer.within = self._next
        with observer.looks():
            self._attempt()
        observer.within = lambda: None
        return observer.takeover

    def ask(self) -> None:
        """Have seven codes that are right: three of the app, two of a session, two of none."""
        for request in (self.request, None):
            send_code(request, username())
        self.attacker.clock.wait(HALF_LIFE)
        for request in (self.request, None):
            send_code(request, username())

    def _attempt(self) -> None:
        self._compared = self.attacker.observer.compared
        self.attacker.guess(self.request, "short")

    def _next(self) -> None:
        if self.attacker.observer.compared == self._compared:
            if not self.clears:
                return
            self.clears -= 1
            self.attacker.clock.clear()
            if self.asks:
                self.ask()
        self._attempt()


@pytest.fixture(autouse=True)
def _deep() -> Iterator[None]:
    """Each attempt is made within the one before."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(10_000)
    yield
    sys.setrecursionlimit(limit)


@pytest.fixture
def burst(begin):
    """Make a burst, and return what it compared."""

    def burst(**options):
        with begin("any code", botnet(60)) as (owner, attacker):
            owner.first_login()
            chance = Burst(attacker, **options).run()
            # Everything was stored in the end: the year is over for the attacker.
            assert not attacker.guess(request_from(attacker.addresses[1]), "short")
            return chance, attacker.observer

    return burst


def test_attempts_at_the_same_moment(burst):
    """They are no more than the same attempts one after the other."""
    chance, observer = burst(clears=0, asks=False)
    assert observer.most_units == 7
    assert observer.verified["short"] == 9
    assert chance < MOST * 1.001


@pytest.mark.parametrize("asks", [False, True], ids=["without codes", "with new codes"])
def test_a_clear_in_the_middle(burst, asks, record_property):
    """
    What is not prevented: a clear in the middle of a burst forgets the attempts in flight.

    The attempts before it and those after it each have the room of a year. The codes that were on
    their way are lost with the attempts, unless the attacker can ask for others while the first
    attempts still run.
    """
    chance, observer = burst(clears=1, asks=asks)
    most = 126 if asks else 63 + 27
    assert chance == pytest.approx(most * 1e-6, rel=1e-3)
    text = (
        f"not prevented: a clear in the middle of a burst of {observer.verified['short']} attempts "
        f"{'and new codes before they end' if asks else 'that loses the codes'}\n"
        f"  chance of the burst {chance:.2e}, of that year {chance + LONG:.2e} at most"
    )
    record_property(PROPERTY, {"text": text})
