"""What one time tells: the chance to say from one answer's time who has an account (R33)."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TypedDict

Pair = tuple[int, int]


class Visit(TypedDict):
    """
    Two visitors who did the same, one for an account and one for a name that nobody has.

    Args:
        ask: what the first step took each, in nanoseconds.
        check: what a wrong code took each.
        app: whether the account has an authenticator app besides sent codes.
        pause: how long both waited between the steps, in seconds.
    """

    ask: Pair
    check: Pair
    app: bool
    pause: float


# A delivery begins 50 ms after the answer at the earliest, and 250 ms at the latest.
SOON = 0.05

# What is told of: its name, the step, the visits, and whether it has to meet the bar.
ROWS: list[tuple[str, str, Callable[[Visit], bool], bool]] = [
    ("asking for a code", "ask", lambda visit: True, True),
    ("a wrong code", "check", lambda visit: True, True),
    ("– account with sent codes only", "check", lambda visit: not visit["app"], False),
    ("– account with an app too", "check", lambda visit: visit["app"], False),
    ("– at once", "check", lambda visit: visit["pause"] < SOON, False),
    ("– while the message is sent", "check", lambda visit: visit["pause"] >= SOON, False),
]

RESAMPLES = 500


def one_time_tells(pairs: Sequence[Pair], *, seed: int = 1) -> tuple[float, float, float]:
    """
    Return the chance that of two times, one of each kind, the longer one is the one expected.

    That is the area under the ROC curve (the common-language effect size), turned so that it is
    0.5 or more; 0.5 is a coin. With its 95 % interval, of a bootstrap over the pairs.

    Args:
        pairs: times of a known and of an unknown name.
        seed: of the bootstrap.
    """
    middle = _longer(pairs)
    turned = middle < 0.5
    draw = random.Random(seed)
    again = sorted(_longer(draw.choices(pairs, k=len(pairs))) for _ in range(RESAMPLES))
    low, high = again[RESAMPLES // 40], again[-RESAMPLES // 40 - 1]
    return (1 - middle, 1 - high, 1 - low) if turned else (middle, low, high)


def _longer(pairs: Sequence[Pair]) -> float:
    """Return the chance that a known name takes longer than an unknown one (Mann-Whitney)."""
    both = sorted((time, known) for pair in pairs for time, known in zip(pair, (1, 0), strict=True))
    ranks, start = 0.0, 0
    while start < len(both):
        end = start
        while end < len(both) and both[end][0] == both[start][0]:
            end += 1
        share = (start + 1 + end) / 2  # equal times share their ranks
        ranks += share * sum(known for _, known in both[start:end])
        start = end
    count = len(pairs)
    return (ranks - count * (count + 1) / 2) / (count * count)
