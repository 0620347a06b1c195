"""An authenticator app, as its user has it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyotp

from tests.statemachine.verdict import Verdict, every

PERIOD = 30
LOOK_AHEAD, REACH, REMEMBERED = 10, 200, 600
"""How far ahead a counter may be, how far the first of two codes, and how long that is noted."""


@dataclass(eq=False)
class App:
    """
    An authenticator app.

    Attributes:
        type: "totp" or "hotp".
        secret: in base32.
        consumed: the last counter that was accepted.
        far: the last counter beyond the look-ahead, when it was tried, and whether it was noted.
    """

    type: str
    secret: str
    consumed: int
    far: tuple[int, float, Verdict] | None = None

    def shown(self, counter: int) -> str:
        """Return the code of a counter. It is computed by another library."""
        return pyotp.HOTP(self.secret).at(counter)

    def counters(self, now: float, margin: float) -> Iterator[tuple[int, Verdict]]:
        """Yield the counters whose code is right, and whether that is certain."""
        if self.type == "totp":
            step = int(now // PERIOD)
            for counter in range(max(step - 1, self.consumed + 1), step + 2):
                yield counter, Verdict.YES
            return
        ahead = range(self.consumed + 1, self.consumed + 1 + LOOK_AHEAD)
        for counter in ahead:
            yield counter, Verdict.YES
        if self.far is not None:
            far, at, verdict = self.far
            if far >= self.consumed and far + 1 not in ahead and now < at + REMEMBERED:
                is_sure = now < at + REMEMBERED - margin
                yield far + 1, verdict if is_sure else every(verdict, Verdict.MAYBE)

    def note_far(self, code: str, now: float, verdict: Verdict) -> None:
        """Note a refused code that is far ahead: the next one is then accepted."""
        first = self.consumed + LOOK_AHEAD + 1
        if self.type == "hotp" and verdict is not Verdict.NO:
            for counter in range(first, first + REACH):
                if code == self.shown(counter):
                    self.far = (counter, now, verdict)

    def all_codes(self, now: float) -> set[str]:
        """Return all codes that mean anything."""
        if self.type == "totp":
            step = int(now // PERIOD)
            return {self.shown(each) for each in range(step - 3, step + 4)}
        return {self.shown(each) for each in range(self.consumed + LOOK_AHEAD + REACH + 2)}

    def consume(self, counter: int) -> None:
        """Use a counter."""
        self.consumed = counter
