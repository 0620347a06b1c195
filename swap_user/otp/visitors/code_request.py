"""The last code request of a session, which the login pages store: its username and its time."""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

from django.contrib.sessions.backends.base import SessionBase

from swap_user.conf import swap_user_settings

SESSION_KEY = "_swap_user_code_request"
ADDRESS_KEY = "_swap_user_address_request"
SIGN_UP_KEY = "_swap_user_sign_up_request"
"""The keys in the session of a code for a login, for a new address, and for a sign-up."""


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """
    The last code request of a session. It does not reveal whether the account exists.

    Attributes:
        username: the canonical username, see ``swap_user.users.usernames.normalize()``.
        sent_at: time of the request, Unix time in seconds.
        expires_at: expiry of the code, Unix time in seconds.
        wanted: the factors that are accepted for the second code, after the first code was right.
        is_confirmed: whether the code of a new address was right, and the account of a sign-up is
            not created yet. Then the times are those of the confirmation.
    """

    username: str
    sent_at: float
    expires_at: float
    wanted: tuple[str, ...] = ()
    is_confirmed: bool = False

    def expires_in(self, now: float) -> int:
        """Return the remaining lifetime of the code in seconds, 0 if it has expired."""
        return _remaining(self.expires_at, now, at_most=self.expires_at - self.sent_at)

    def resend_in(self, now: float) -> int:
        """Return the number of seconds until another code can be requested."""
        interval = swap_user_settings.OTP_RESEND_INTERVAL
        # When the code has expired, a new one can be requested at once.
        end = min(self.sent_at + interval, self.expires_at)
        return _remaining(end, now, at_most=end - self.sent_at)


def load(session: SessionBase, key: str = SESSION_KEY) -> CodeRequest | None:
    """Return the code request of the session, or None if there is none or it is not valid."""
    match session.get(key):
        case {
            "username": str(username),
            "sent_at": int() | float() as sent_at,
            "expires_at": int() | float() as expires_at,
            **more,
        } if username and 0 <= sent_at <= expires_at < _END_OF_TIME:
            wanted, is_confirmed = _strings(more.get("wanted")), more.get("is_confirmed") is True
            return CodeRequest(username, sent_at, expires_at, wanted, is_confirmed)
        case _:
            return None


def save(session: SessionBase, username: str, *, now: float, key: str = SESSION_KEY) -> None:
    """
    Save in the session that a code for ``username`` was requested.

    Args:
        session: the visitor's session.
        username: the canonical username.
        now: Unix time in seconds before the code was sent, so that the page does not show a
            lifetime that is too long.
        key: one of the keys above.
    """
    code_request = CodeRequest(username, now, now + swap_user_settings.OTP_TIMEOUT)
    session[key] = asdict(code_request)


def want(session: SessionBase, asked: CodeRequest, factors: Iterable[str]) -> CodeRequest:
    """
    Save in the session that a first code was right and another factor is needed.

    Args:
        session: the visitor's session.
        asked: the code request of the session.
        factors: the factors that are accepted next.

    Returns:
        The changed code request.
    """
    changed = replace(asked, wanted=tuple(sorted(factors)))
    session[SESSION_KEY] = asdict(changed)
    return changed


def confirm(session: SessionBase, username: str, *, now: float, key: str) -> None:
    """
    Save in the session that the code for a new address was right.

    Args:
        session: the visitor's session.
        username: the address. It counts as confirmed for OTP_TIMEOUT.
        now: Unix time in seconds.
        key: one of the keys above.
    """
    save(session, username, now=now, key=key)
    session[key] |= {"is_confirmed": True}


def clear(session: SessionBase, key: str = SESSION_KEY) -> None:
    """Delete the code request of the session."""
    session.pop(key, None)


# The upper limit of a valid time. It excludes infinity, NaN and numbers too large for arithmetic.
_END_OF_TIME = 1e12


def _strings(value: object) -> tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, list | tuple) else ()


def _remaining(end: float, now: float, *, at_most: float) -> int:
    """Return the seconds until ``end``, but at most ``at_most``: the clock may be set back."""
    return math.ceil(max(0, min(end - now, at_most)))
