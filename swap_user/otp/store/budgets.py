"""Budgets in Redis: counters that start with their first event and expire with their window."""

from dataclasses import dataclass

HOUR = 3600
DAY = 24 * HOUR
YEAR = 365 * DAY
"""Periods in seconds."""


@dataclass(frozen=True, slots=True)
class Budget:
    """
    A limit on events.

    Attributes:
        key: the Redis key of the counter: a full name, see ``keys.redis_key()``.
        limit: the number of events that fit.
        window: how long the counter is kept after its first event, in seconds.
        scope: the name of the budget in the log.
        cost: how many events are charged at a time.
    """

    key: str
    limit: int
    window: int
    scope: str
    cost: int = 1
