"""Measure contestants in rounds, each once per round in random order, and compare the times."""

from __future__ import annotations

import cProfile
import gc
import random
import statistics
import time
from collections.abc import Sequence

from django.db import connection

from benchmarks.contestants import Contestant, User, offered
from swap_user.testing import wait_for_deliveries

WARM_UP = 30
BLOCKS = 20

Times = dict[str, list[int]]


def rounds(
    contestants: Sequence[Contestant],
    number: int,
    *,
    seed: int = 1,
    profile: cProfile.Profile | None = None,
) -> Times:
    """
    Return the times of each contestant in nanoseconds.

    Args:
        contestants: the contestants.
        number: number of measured rounds. Some warm-up rounds are run first.
        seed: seed of the random order within the rounds.
        profile: a profile that is enabled for the measured rounds.

    Raises:
        AssertionError: a contestant refused a right code or accepted a wrong one.
    """
    names = {each.key: _enrolled(each, number + WARM_UP) for each in contestants}
    assert wait_for_deliveries(60)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
    times: Times = {each.key: [] for each in contestants}
    shuffle = random.Random(seed)
    order = list(contestants)
    gc.collect()
    gc.freeze()
    gc.disable()
    for index in range(-WARM_UP, number):
        if index == 0 and profile:
            profile.enable()
        shuffle.shuffle(order)
        if index % 50 == 0:
            gc.collect()
        for contestant in order:
            if index % contestant.every:
                continue
            taken = _timed(contestant, names[contestant.key].pop())
            # The job of a wrong guess must not take time from the next contestant.
            assert wait_for_deliveries(60)
            if index >= 0:
                times[contestant.key].append(taken)
    if profile:
        profile.disable()
    gc.enable()
    return times


def _timed(contestant: Contestant, name: str) -> int:
    text = offered(contestant, time.time())
    check = contestant.check
    started = time.perf_counter_ns()
    accepted = check(name, text)
    taken = time.perf_counter_ns() - started
    assert accepted is contestant.right, contestant.key
    return taken


def _enrolled(contestant: Contestant, number: int) -> list[str]:
    field = User.USERNAME_FIELD
    names = [f"{contestant.key}-{index}@example.com" for index in range(number)]
    users = User._default_manager.bulk_create(
        [User(**{field: name, "email": name}) for name in names]
    )
    contestant.enroll(users)
    return names


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the first quartile, the median and the third quartile."""
    first, middle, third = statistics.quantiles(values, n=4, method="inclusive")
    return first, middle, third


def ratio(ours: Sequence[int], theirs: Sequence[int]) -> tuple[float, float, float]:
    """
    Return the ratio of the medians of two series of times, with its first and third quartile.

    For the quartiles, both series are divided into the same blocks of rounds. A temporary load on
    the machine affects both sides of the ratio of a block.

    Returns:
        The first quartile, the ratio, and the third quartile.
    """
    size = max(1, len(ours) // BLOCKS)
    blocks = range(0, len(ours) - size + 1, size)
    ratios = [
        statistics.median(ours[at : at + size]) / statistics.median(theirs[at : at + size])
        for at in blocks
    ]
    first, _, third = spread(ratios)
    return first, statistics.median(ours) / statistics.median(theirs), third
