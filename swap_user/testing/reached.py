"""What has kept codes from being sent or checked in a test, so that its failure can say so."""

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

_NOT_WATCHED = "With OTPTestMixin or the pytest plugin of swap_user, this error says why"

# The limit behind each scope that the security log names.
_OF_MESSAGES = {
    "account": "the limit messages_per_account",
    "address": "the limit asks_per_address",
    "browser": "the limit known_messages_per_account",
    "country": "OTP_PHONE_PREFIXES",
    "receiver": "the limit messages_per_receiver, or known_messages_per_receiver",
    "site": "the limit messages_per_site",
    "unknown": "the limit unknown_messages_per_receiver, or unknown_messages_per_site",
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
        self._reasons: Counter[str] = Counter()

    def note(self, event: str, fields: dict[str, Any]) -> None:
        """
        Note an event of the security log if it is about a limit, or about a code that was not sent.

        Args:
            event: the name of the event.
            fields: its details.
        """
        if sentence := _sentence(event, fields):
            self._counts[sentence] += 1
        elif reason := _reason(event, fields):
            self._reasons[reason] += 1

    def lines(self) -> list[str]:
        """Return a sentence for each limit that was reached, in the order of the first events."""
        return _counted(self._counts)

    def reasons(self) -> list[str]:
        """Return a sentence for each limit, outage or other reason why no code was sent."""
        return _counted(self._counts) + _counted(self._reasons)

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
    """Return what the innermost ``watch()`` has noted; see ReachedLimits.reasons()."""
    return _watching[-1].reasons() if _watching else [_NOT_WATCHED]


def _counted(sentences: Counter[str]) -> list[str]:
    return [
        f"{sentence} ({count} times)" if count > 1 else sentence
        for sentence, count in sentences.items()
    ]


def _sentence(event: str, fields: dict[str, Any]) -> str:
    scope = str(fields.get("scope", ""))
    match event:
        case "send limited" | "address code limited":
            return f"{event}: no message because of {_OF_MESSAGES.get(scope, scope)}"
        case "login limited":
            return f"login limited: no code was checked because of {_OF_GUESSES.get(scope, scope)}"
        case "code refused" if fields.get("reason") == "no guess left":
            return "code refused: not compared because of the limit guesses_per_account"
    return ""


def _reason(event: str, fields: dict[str, Any]) -> str:
    """Return why an event means that no code was sent, or ""."""
    why = fields.get("reason") or fields.get("error")
    match event:
        case "login unavailable":
            server = fields.get("location") or fields.get("server")
            return f"login unavailable: {server} can't be reached: {why}"
        case "code not sent" | "address code not sent" | "job failed" | "job dropped":
            return f"{event}: {why}"
    return ""
