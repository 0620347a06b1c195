"""The enrollment that waits in a session for its code; its secret is encrypted there (R27)."""

from typing import Any

from django.contrib.sessions.backends.base import SessionBase

from swap_user.otp.verification.enrollment import Enrollment

SESSION_KEY = "_swap_user_enrollment"


def save(session: SessionBase, enrollment: Enrollment) -> None:
    """Let it wait; it takes the place of an earlier one."""
    session[SESSION_KEY] = enrollment.pack()


def load(session: SessionBase, user: Any) -> Enrollment | None:
    """Return what waits for this user's code, or None, also when it expired."""
    packed = session.get(SESSION_KEY)
    return None if packed is None else Enrollment.unpack(user, packed)


def clear(session: SessionBase) -> None:
    """Forget it."""
    session.pop(SESSION_KEY, None)
