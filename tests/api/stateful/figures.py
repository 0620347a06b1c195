"""What a run of the state machine has seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

# A run notes its figures under this name, and the terminal shows them.
PROPERTY = "schemathesis"


@dataclass
class Figures:
    """
    What a run has seen.

    Attributes:
        seconds: how long it took.
        scenarios: the number of sequences of requests.
        requests: the number of requests of the generated sequences.
        logged_in: how many of them had a session in which a user was logged in.
        statuses: the statuses of the answers, by operation.
    """

    seconds: float = 0
    scenarios: int = 0
    requests: int = 0
    logged_in: int = 0
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)

    def of(self, name: str) -> dict[int, int]:
        """Return how often an operation has had each status."""
        found = {status: times for (seen, status), times in self.statuses.items() if seen == name}
        return dict(sorted(found.items()))

    def lines(self) -> Iterator[str]:
        """Yield the lines of the report."""
        yield (
            f"{self.requests:,} examples in {self.scenarios:,} scenarios, {self.seconds:.0f} s; "
            f"{self.logged_in:,} of a user who was logged in"
        )
        for name in sorted({name for name, _ in self.statuses}):
            seen = ", ".join(f"{status} × {times:,}" for status, times in self.of(name).items())
            yield f"  {name:24} {seen}"
