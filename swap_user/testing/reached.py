"""Which limits were reached in a test, so that its failure can say so."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from swap_user.otp import audit

TITLE = "swap_user: limits reached in this test"

_ADVICE = (
    "Limits continue from test to test until swap_user.testing.reset_limits() is called. A test "
    "that needs more raises them in SWAP_USER['OTP_LIMITS']."
)

# The limit behind each scope that the security log names.
_OF_MESSAGES = {
    "account": "the limit messages_per_account",
    "address": "the limit asks_per_address",
    "browser": "the limit known_messages_per_account",
    "country": "OTP_PHONE_PREFIXES",
    "receiver": "the limit messages_per_receiver, or known_messages_per_receiver",
    "site": "the limit messages_per_site",
    "unknown addresses": "the limit asks_per_address, of all visitors without a known address",
}
_OF_GUESSES = {
    "address": "the limit guesses_per_address",
    "code": "the five tries at a ten-digit code",
}


class ReachedLimits:
    """The limits that were reached, each with how often."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def note(self, event: str, fields: dict[str, Any]) -> None:
        """
        Note an event of the security log if it is about a limit.

        Args:
            event: the name of the event.
            fields: its details.
        """
        if sentence := _sentence(event, fields):
            self._counts[sentence] += 1

    def lines(self) -> list[str]:
        """Return a sentence for each limit that was reached, in the order of the first events."""
        return [
            f"{sentence} ({count} times)" if count > 1 else sentence
            for sentence, count in self._counts.items()
        ]

    def text(self) -> str:
        """Return the sentences and what to do about them, or "" if no limit was reached."""
        return "\n".join([*lines, _ADVICE]) if (lines := self.lines()) else ""


_watching: list[ReachedLimits] = []


@contextmanager
def watch() -> Iterator[ReachedLimits]:
    """
    Note the limits that are reached in the block, in all threads.

    The function is replaced, not the handlers of the logger: tests often switch logs off.
    """
    found, record = ReachedLimits(), audit.record

    def noted(level: int, event: str, /, **fields: Any) -> None:
        found.note(event, fields)
        record(level, event, **fields)

    with patch.object(audit, "record", noted):
        _watching.append(found)
        try:
            yield found
        finally:
            _watching.remove(found)


def current() -> list[str]:
    """Return what the innermost ``watch()`` has noted; see ReachedLimits.lines()."""
    return _watching[-1].lines() if _watching else []


def _sentence(event: str, fields: dict[str, Any]) -> str:
    scope = str(fields.get("scope", ""))
    match event:
        case "send limited":
            return f"send limited: no message because of {_OF_MESSAGES.get(scope, scope)}"
        case "login limited":
            return f"login limited: no code was checked because of {_OF_GUESSES.get(scope, scope)}"
        case "code refused" if fields.get("reason") == "no guess left":
            return "code refused: not compared because of the limit guesses_per_account"
    return ""
