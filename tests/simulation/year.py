"""The days of an owner and an attacker, one after the other."""

from __future__ import annotations

import random
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from swap_user.otp.visitors.client_ip import neighbourhood
from tests.simulation.attacker import Attacker
from tests.simulation.clock import BEGIN, DAY, HOUR, MINUTE, Clock
from tests.simulation.owner import Owner
from tests.simulation.places import HOME
from tests.simulation.queue import crowded
from tests.simulation.report import Figures, parts


@dataclass
class Year:
    """
    The year of one owner: daily a login from the known browser, monthly one from a new one.

    Attributes:
        days: how long it is.
        owner: who logs in.
        attacker: who attacks, every few hours and just before each login of the owner.
        places: where the owner comes with new browsers, one after the other.
        adaptive: whether the attacker knows when a new browser comes, and saves for these hours
            the messages of new addresses.
        at_home: whether every third of the owner's new browsers is at the home address.
        every: after how many days a new browser comes.
        hours: after how many hours the attacker strikes again.
        clears: whether the cache is cleared every day, just before the attacker strikes.
        steals: whether the attacker gets the cookie of each new browser, which the owner revokes.
        crowds: whether the attacker fills the queue of jobs, so that it drops every other one.
    """

    days: int
    owner: Owner
    attacker: Attacker
    clock: Clock
    places: list[str]
    adaptive: bool = False
    at_home: bool = True
    every: int = 30
    hours: int = 8
    clears: bool = False
    steals: bool = False
    crowds: bool = False
    rng: random.Random = field(default_factory=lambda: random.Random(4))

    def run(self) -> None:
        """Live through it."""
        self.owner.first_login()
        for day in range(self.days):
            self.live(day)
        self.clock.note_memory()

    def live(self, day: int) -> None:
        """Live through one day."""
        travels, month = (day + 1) % self.every == 0, day // self.every
        away_hour, home_hour = self.rng.randrange(24), self.rng.randrange(24)
        if self.clears:
            self.clock.clear()
        self.attacker.daily()
        for hour in range(24):
            begin = BEGIN + day * DAY + hour * HOUR
            comes = hour == home_hour or (travels and hour == away_hour)
            if hour % self.hours == 0 or comes:
                self.clock.move_to(begin + self.rng.randrange(10) * MINUTE)
                near = travels and away_hour - 2 <= hour <= away_hour
                self._strike(newcomers=near or not self.adaptive)
            if travels and hour == away_hour:
                self.clock.move_to(begin + self.rng.randrange(11, 30) * MINUTE)
                self._strike()
                self._travel(month)
            if hour == home_hour:
                self.clock.move_to(begin + self.rng.randrange(31, 50) * MINUTE)
                self.owner.come_home(use_app=self._by_app(day), mistype=day % 10 == 9)

    def _strike(self, *, newcomers: bool = True) -> None:
        queue: AbstractContextManager[None] = crowded() if self.crowds else nullcontext()
        with queue:
            self.attacker.strike(newcomers=newcomers)

    def _travel(self, month: int) -> None:
        address = HOME if self.at_home and month % 3 == 2 else self.places[month]
        cookies = self.owner.travel(address, use_app=self._by_app(month), mistype=month % 10 == 9)
        if self.steals:
            self.owner.revoke_other_browsers()
            self.attacker.cookies.append(cookies)

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
            ("without effect", attacker.limited.total(), parts(attacker.limited)),
            ("compared", verified.total(), parts(verified)),
            ("messages", attacker.messages, "that the attacker had sent"),
            ("takeover", f"{takeover:.2e}", "chance"),
            ("Redis", f"{self.clock.peak / 1024:,.0f}", "KiB at the peak, above the beginning"),
            ("owner", owner.logins, f"logins, {parts(owner.helped) or 'no detour'}"),
            ("new places", len(visits), f"{near} of them in a neighbourhood of the attacker's"),
            ("owner failed", len(owner.failed), "; ".join(owner.failed)),
        ]
        lines = [f"  {what:<14} {number:>7}  {more}".rstrip() for what, number, more in rows]
        return {
            "text": "\n".join([f"{name}: {self.days} days", *lines]),
            "days": self.days,
            "attempts": total,
            "takeover": takeover,
            "logins": owner.logins,
            "failed": len(owner.failed),
        }
