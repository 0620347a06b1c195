"""What is printed at the end of a run: the figures of each simulation, and of all together."""

from __future__ import annotations

from collections import Counter
from typing import Any

# Plain values, so that pytest-xdist can carry them.
Figures = dict[str, Any]

PROPERTY = "simulated"
"""The name of the property of a test that holds figures; ``tests/conftest.py`` looks for it."""


def parts(counts: Counter[str]) -> str:
    """Return how many there were of each."""
    return ", ".join(f"{name} {number}" for name, number in counts.most_common())


def lines(found: list[Figures]) -> list[str]:
    """Return the figures of all, and a closing line."""
    whole = [each for each in found if "attempts" in each]
    attempts, days, failed, logins = (
        sum(each[key] for each in whole) for key in ("attempts", "days", "failed", "logins")
    )
    takeover = max((each["takeover"] for each in whole), default=0)
    closing = (
        f"{days:,} simulated days, {attempts:,} attempts: chance of a takeover of one account "
        f"{takeover:.1e} at most, {failed} of the owners' {logins:,} logins failed"
    )
    texts = [each["text"] for each in found] + [closing] * bool(whole)
    return [line for text in texts for line in ["", *text.splitlines()]]
