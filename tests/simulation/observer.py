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
    """

    verified: Counter[str] = field(default_factory=Counter)
    # log(1 - p) of each: the chance that none was right is e to the power of the sum.
    survived: float = 0.0
    watching: bool = False

    def choose(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``candidates.choose`` that counts."""

        def choose(code: str, found: Any) -> Any:
            if self.watching:
                fresh = [each for each in found if each.counter > each.authenticator.consumed]
                right = {each.expected for each in fresh if len(each.expected) == len(code)}
                kind = "ten digits" if len(code) == 10 else "short"
                self.verified[kind if right else f"{kind}, nothing waited"] += 1
                # A code is cut out of 31 bits (RFC 4226 section 5.3): of ten digits there are
                # 2**31, and of six some are a little likelier than others. A clever attacker
                # tries those first.
                p = len(right) * math.ceil(2**31 / 10 ** len(code)) / 2**31
                self.survived += math.log1p(-p)
            return original(code, found)

        return choose

    def choose_recovery(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``recovery.choose`` that counts."""

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
