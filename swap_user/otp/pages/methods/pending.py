"""The pending enrollment in a session. Its secret is encrypted (R27)."""

from typing import Any

from django.contrib.sessions.backends.base import SessionBase

from swap_user.otp.verification.enrollment import Enrollment

SESSION_KEY = "_swap_user_enrollment"


def save(session: SessionBase, enrollment: Enrollment) -> None:
    """Store a pending enrollment. It replaces an earlier one."""
    session[SESSION_KEY] = enrollment.pack()


def load(session: SessionBase, user: Any) -> Enrollment | None:
    """Return the pending enrollment of this user, or None if there is none or it has expired."""
    packed = session.get(SESSION_KEY)
    return None if packed is None else Enrollment.unpack(user, packed)


def clear(session: SessionBase) -> None:
    """Remove the pending enrollment."""
    session.pop(SESSION_KEY, None)
