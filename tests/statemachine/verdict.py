"""Whether something has to happen."""

from __future__ import annotations

from enum import Enum


class Verdict(Enum):
    """Whether something has to happen. MAYBE: the model does not say."""

    NO = 0
    MAYBE = 1
    YES = 2


def either(*verdicts: Verdict) -> Verdict:
    """Return the verdict about something that happens if one of several does."""
    return max(verdicts, key=lambda each: each.value)


def every(*verdicts: Verdict) -> Verdict:
    """Return the verdict about something that happens if all of several do."""
    return min(verdicts, key=lambda each: each.value)


def certain(*, is_true: bool) -> Verdict:
    """Return the verdict about something that is known."""
    return Verdict.YES if is_true else Verdict.NO
