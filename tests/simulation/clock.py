"""The clock of a simulation. What Redis holds gets older by the same time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import redis
import time_machine
from django.core.cache import caches

from services.aging import age

MINUTE, HOUR, DAY, YEAR = 60, 3600, 86_400, 365 * 86_400
BEGIN = 1_800_000_000 // DAY * DAY


@dataclass
class Clock:
    """
    The time in the test, and the Redis server for which it passes too.

    Attributes:
        traveller: the clock of Python.
        client: a client of the server.
        now: Unix time in seconds.
        before: the memory that the server used at the beginning, in bytes.
        peak: the most that it has used, in bytes.
    """

    traveller: Any
    client: redis.Redis
    now: float = BEGIN
    before: int = 0
    peak: int = 0
    _aged_at: float = field(default_factory=time.monotonic)

    def move_to(self, moment: float) -> None:
        """Let the time be ``moment``, but never earlier than it is."""
        if moment <= self.now:
            return
        self.note_memory()
        # The time that has really passed has made the keys older by itself.
        passed, self._aged_at = self._aged_at, time.monotonic()
        age(self.client, moment - self.now - (self._aged_at - passed))
        self.now = moment
        self.traveller.move_to(moment)

    def wait(self, seconds: float) -> None:
        """Let so much time pass."""
        self.move_to(self.now + seconds)

    def restart(self) -> None:
        """Go back to the beginning. The server must be empty."""
        self.now, self._aged_at = BEGIN, time.monotonic()
        self.traveller.move_to(self.now)

    def clear(self) -> None:
        """Empty the cache, as a site may do at any time."""
        self.note_memory()
        caches["default"].clear()

    def note_memory(self) -> None:
        """Note the memory that Redis uses now, if it is the most until now."""
        used = int(self.client.info("memory")["used_memory"])
        self.before = self.before or used
        self.peak = max(self.peak, used - self.before)


@contextmanager
def clock_of(url: str) -> Iterator[Clock]:
    """
    Give a clock that stands still until it is moved.

    Args:
        url: the address of the Redis server.
    """
    with (
        redis.Redis.from_url(url) as client,
        time_machine.travel(BEGIN, tick=False) as traveller,
    ):
        clock = Clock(traveller, client)
        clock.note_memory()
        yield clock
