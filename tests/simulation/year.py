"""The days of an owner and an attacker, one after the other."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from swap_user.otp.visitors.client_ip import neighbourhood
from tests.simulation.attacker import Attacker
from tests.simulation.clock import BEGIN, DAY, HOUR, MINUTE, Clock
from tests.simulation.owner import Owner
from tests.simulation.places import HOME
from tests.simulation.report import Figures, parts


@dataclass
class Year:
    """
    The year of one owner: daily a login from the known browser, monthly one from a new one.

    Args:
        days: how long it is.
        owner: who logs in.
        attacker: who attacks, every other hour and just before each login of the owner.
        places: where the owner comes with new browsers, one after the other.
        adaptive: whether he knows when a new browser comes, and saves for these hours what each
            of his addresses has only once.
        at_home: whether every third of the owner's new browsers is at the home address.
        every: after how many days a new browser comes.
    """

    days: int
    owner: Owner
    attacker: Attacker
    clock: Clock
    places: list[str]
    adaptive: bool = False
    at_home: bool = True
    every: int = 30
    rng: random.Random = field(default_factory=lambda: random.Random(4))

    def run(self) -> None:
        """Live through it."""
        self.owner.first_login()
        for day in range(self.days):
            self.live(day)
            self.clock.age()

    def live(self, day: int) -> None:
        """Live through one day."""
        travels, month = (day + 1) % self.every == 0, day // self.every
        away_hour, home_hour = self.rng.randrange(24), self.rng.randrange(24)
        self.attacker.daily()
        for hour in range(24):
            begin = BEGIN + day * DAY + hour * HOUR
            comes = hour == home_hour or (travels and hour == away_hour)
            if hour % 2 == 0 or comes:
                self.clock.move_to(begin + self.rng.randrange(10) * MINUTE)
                near = travels and away_hour - 2 <= hour <= away_hour
                self.attacker.strike(newcomers=near or not self.adaptive)
            if travels and hour == away_hour:
                self.clock.move_to(begin + self.rng.randrange(11, 30) * MINUTE)
                self.attacker.strike()
                address = HOME if self.at_home and month % 3 == 2 else self.places[month]
                self.owner.travel(address, use_app=self._by_app(month), mistype=month % 10 == 9)
            if hour == home_hour:
                self.clock.move_to(begin + self.rng.randrange(31, 50) * MINUTE)
                self.owner.come_home(use_app=self._by_app(day), mistype=day % 10 == 9)

    def _by_app(self, number: int) -> bool:
        return self.owner.app and (not self.owner.sent or number % 2 == 0)

    def figures(self, name: str) -> Figures:
        """Return what came of it, see ``tests.simulation.report``."""
        attacker, owner = self.attacker, self.owner
        verified, takeover = attacker.observer.verified, attacker.observer.takeover
        theirs = {neighbourhood(each) for each in attacker.addresses}
        visits = self.places[: self.days // self.every]
        near = sum(neighbourhood(each) in theirs for each in visits)
        total = attacker.attempts.total()
        rows: list[tuple[str, Any, str]] = [
            ("addresses", len(attacker.addresses), f"in {len(theirs)} neighbourhoods"),
            ("attempts", total, parts(attacker.attempts)),
            ("limited", attacker.limited.total(), parts(attacker.limited)),
            ("verified", verified.total(), parts(verified)),
            ("messages", attacker.messages, "that the attacker had sent"),
            ("takeover", f"{takeover:.1e}", "chance"),
            ("owner", owner.logins, f"logins, {parts(owner.helped) or 'no detour'}"),
            ("new places", len(visits), f"{near} of them in a neighbourhood of the attacker's"),
            ("owner failed", len(owner.failed), "; ".join(owner.failed)),
        ]
        lines = [f"  {what:<13} {number:>7}  {more}".rstrip() for what, number, more in rows]
        return {
            "text": "\n".join([f"{name}: {self.days} days", *lines]),
            "days": self.days,
            "attempts": total,
            "takeover": takeover,
            "logins": owner.logins,
            "failed": len(owner.failed),
        }
