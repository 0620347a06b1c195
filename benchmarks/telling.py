"""The probability to guess from the time of one response whether an account exists (R33)."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TypedDict

Pair = tuple[int, int]


class Visit(TypedDict):
    """
    Two visitors with the same actions, one for an existing account, one for an unknown username.

    Attributes:
        ask: the times of requesting a code, in nanoseconds.
        check: the times of entering a wrong code, in nanoseconds.
        app: whether the account has an authenticator app.
        pause: the pause between both actions, in seconds.
    """

    ask: Pair
    check: Pair
    app: bool
    pause: float


# A delivery starts 50 to 250 ms after the response.
SOON = 0.05

# The rows of the table: label, action, which visits it contains, whether it must meet the bar.
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
    Return the probability to guess from one time whether the username is known.

    It is the area under the ROC curve (the common-language effect size), mirrored if it is below
    0.5. A value of 0.5 is random guessing.

    Args:
        pairs: times for a known and for an unknown username.
        seed: seed of the bootstrap over the pairs.

    Returns:
        The probability, and the limits of its 95 % interval.
    """
    middle = _longer(pairs)
    turned = middle < 0.5
    draw = random.Random(seed)
    again = sorted(_longer(draw.choices(pairs, k=len(pairs))) for _ in range(RESAMPLES))
    low, high = again[RESAMPLES // 40], again[-RESAMPLES // 40 - 1]
    return (1 - middle, 1 - high, 1 - low) if turned else (middle, low, high)


def _longer(pairs: Sequence[Pair]) -> float:
    """Return the probability that a known username takes longer (Mann-Whitney)."""
    both = sorted((time, known) for pair in pairs for time, known in zip(pair, (1, 0), strict=True))
    ranks, start = 0.0, 0
    while start < len(both):
        end = start
        while end < len(both) and both[end][0] == both[start][0]:
            end += 1
        share = (start + 1 + end) / 2  # equal times get the mean of their ranks
        ranks += share * sum(known for _, known in both[start:end])
        start = end
    count = len(pairs)
    return (ranks - count * (count + 1) / 2) / (count * count)
