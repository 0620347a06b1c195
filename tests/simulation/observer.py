"""What was compared with the right codes, and how likely a guess was right."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from swap_user.otp.authenticators import recovery_codes
from swap_user.otp.verification import verifier


@dataclass
class Observer:
    """
    Counts the guesses that were compared with what would have been right.

    It stands where the codes are compared, so that nothing that is refused before counts, and
    everything that isn't does.

    Attributes:
        verified: how many were compared, by their kind.
        survived: log(1 - p) of each: the chance that none was right is e to the power of the sum.
        most_units: the most codes of six digits that were right at the same time.
        times: for how many guesses of the same kind each one stands.
        watching: whether the attacker is at work.
        within: called after each comparison: another attempt may begin before this one ends.
    """

    verified: Counter[str] = field(default_factory=Counter)
    survived: float = 0.0
    most_units: int = 0
    times: int = 1
    watching: bool = False
    within: Callable[[], None] = lambda: None

    def choose(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``candidates.choose`` that counts."""

        def choose(code: str, found: Any) -> Any:
            if self.watching and code.isdecimal():  # without room, "------" is compared
                fresh = [each for each in found if each.counter > each.authenticator.consumed]
                right = {each.expected for each in fresh if len(each.expected) == len(code)}
                kind = "ten digits" if len(code) == 10 else "short"
                self.verified[kind if right else f"{kind}, nothing waited"] += self.times
                # A code is cut out of 31 bits (RFC 4226 section 5.3): of ten digits there are
                # 2**31, and of six some are a little likelier than others. A clever attacker
                # tries those first.
                p = len(right) * math.ceil(2**31 / 10 ** len(code)) / 2**31
                self.survived += self.times * math.log1p(-p)
                if kind == "short":
                    self.most_units = max(self.most_units, len(right))
            chosen = original(code, found)
            self.within()
            return chosen

        return choose

    def choose_recovery(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``recovery_codes.choose`` that counts."""

        def choose(code: str, rows: Any) -> Any:
            if self.watching:
                self.verified["recovery"] += 1
                left = sum(row.used_at is None for row in rows)
                self.survived += math.log1p(-left / 2.0**80)
            return original(code, rows)

        return choose

    @property
    def takeover(self) -> float:
        """The chance that one of the guesses was right."""
        return -math.expm1(self.survived)

    @property
    def compared(self) -> int:
        """How many guesses were compared with a code that would have been right."""
        return self.verified["short"] + self.verified["ten digits"]

    @contextmanager
    def looks(self) -> Iterator[None]:
        """Count within: these are the attacker's."""
        self.watching = True
        try:
            yield
        finally:
            self.watching = False


@contextmanager
def observed() -> Iterator[Observer]:
    """Watch the two places where codes are compared."""
    observer = Observer()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verifier, "choose", observer.choose(verifier.choose))
        patch.setattr(recovery_codes, "choose", observer.choose_recovery(recovery_codes.choose))
        yield observer
