"""Between the two pages: for whom this browser asked for a code, and when."""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

from django.contrib.sessions.backends.base import SessionBase

from swap_user.conf import swap_user_settings

SESSION_KEY = "_swap_user_code_request"


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """
    What one session asked for last. It tells nothing about whether the account exists.

    Args:
        username: canonical, as ``swap_user.users.usernames.normalize`` gives it.
        sent_at: Unix time in seconds.
        expires_at: Unix time in seconds.
        wanted: once a first code was right and another is needed, the factors that will do.
    """

    username: str
    sent_at: float
    expires_at: float
    wanted: tuple[str, ...] = ()

    def expires_in(self, now: float) -> int:
        """Return how many seconds the code still lives; 0 when it is over."""
        return _remaining(self.expires_at, now, at_most=self.expires_at - self.sent_at)

    def resend_in(self, now: float) -> int:
        """Return in how many seconds another code may be asked for; 0 for at once."""
        interval = swap_user_settings.OTP_RESEND_INTERVAL
        # Nobody waits for a new code when the last one is over.
        end = min(self.sent_at + interval, self.expires_at)
        return _remaining(end, now, at_most=end - self.sent_at)


def load(session: SessionBase) -> CodeRequest | None:
    """Return what this session asked for, or None, also for a value that nobody here wrote."""
    match session.get(SESSION_KEY):
        case {
            "username": str(username),
            "sent_at": int() | float() as sent_at,
            "expires_at": int() | float() as expires_at,
            **more,
        } if username and 0 <= sent_at <= expires_at < _END_OF_TIME:
            return CodeRequest(username, sent_at, expires_at, _strings(more.get("wanted")))
        case _:
            return None


def save(session: SessionBase, username: str, *, now: float) -> None:
    """
    Remember that a code for ``username`` was asked for.

    Args:
        session: the visitor's.
        username: canonical.
        now: Unix time in seconds, taken before it was sent: better to promise a little less.
    """
    asked = CodeRequest(username, now, now + swap_user_settings.OTP_TIMEOUT)
    session[SESSION_KEY] = asdict(asked)


def want(session: SessionBase, asked: CodeRequest, factors: Iterable[str]) -> CodeRequest:
    """Remember that a first code was right, and what will do as the second; return all of it."""
    asked = replace(asked, wanted=tuple(sorted(factors)))
    session[SESSION_KEY] = asdict(asked)
    return asked


def clear(session: SessionBase) -> None:
    """Forget it."""
    session.pop(SESSION_KEY, None)


# Keeps infinity, not-a-number and numbers too big for arithmetic out.
_END_OF_TIME = 1e12


def _strings(value: object) -> tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, list | tuple) else ()


def _remaining(end: float, now: float, *, at_most: float) -> int:
    """Return the seconds until ``end``; a clock that was set back does not make them more."""
    return math.ceil(max(0, min(end - now, at_most)))
