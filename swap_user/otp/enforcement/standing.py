"""
Whether a user must enroll an authenticator app, as the session remembers it.

The answer is stored in the session for five minutes, so that most requests cost no query. A change
of a user's groups takes effect within this time. The end of a grace period takes effect at once.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY as USER_KEY
from django.http import HttpRequest
from django.utils import timezone

from swap_user.models import EnrollmentGrace
from swap_user.otp.authenticators.secrets import is_enrolled
from swap_user.otp.enforcement import rule
from swap_user.users.databases import written

SESSION_KEY = "_swap_user_must_enroll"

# How long the answer is stored, in seconds.
ASKED_EVERY = 300


@dataclass(frozen=True, slots=True)
class Standing:
    """
    What the policy requires of a user.

    Attributes:
        due_at: when the grace period ends, Unix time in seconds. None if no app is required.
        is_enrolled: whether the user has an app. It is looked up only if an app is required.
    """

    due_at: float | None = None
    is_enrolled: bool = False

    @property
    def is_due(self) -> bool:
        """Whether the user must enroll an app now."""
        return self._is_missing and time.time() >= (self.due_at or 0)

    @property
    def in_grace(self) -> bool:
        """Whether the user must enroll an app later."""
        return self._is_missing and not self.is_due

    @property
    def _is_missing(self) -> bool:
        return self.due_at is not None and not self.is_enrolled

    @property
    def date(self) -> datetime | None:
        """The end of the grace period, in which the user is, or None."""
        if self.due_at is None or not self.in_grace:
            return None
        aware = datetime.fromtimestamp(self.due_at, tz=UTC)
        return aware if settings.USE_TZ else timezone.make_naive(aware)


_FREE = Standing()


def standing(request: HttpRequest) -> Standing:
    """
    Return what the policy requires of the user of a request.

    The first time that the policy requires an app of a user, the grace period of the user begins.
    Users whom a package for impersonation shows in place of the one who is logged in are free.

    Args:
        request: a request after the authentication middleware.
    """
    if not rule.exists():
        return _FREE
    session: Any = getattr(request, "session", None)
    user: Any = getattr(request, "user", None)
    if session is None or user is None or not user.is_authenticated:
        return _FREE
    if session.get(USER_KEY) != user._meta.pk.value_to_string(user):
        return _FREE
    stored = _load(session, user)
    if stored is None or (stored.is_due and is_enrolled(user)):
        return _ask(session, user)
    return stored


def forget(session: Any) -> None:
    """Let the next request ask the policy again."""
    if SESSION_KEY in session:
        session[SESSION_KEY] = session[SESSION_KEY] | {"asked_at": 0}


def _load(session: Any, user: Any) -> Standing | None:
    """Return what the session remembers, or None if it is too old or another user's."""
    now = time.time()
    match session.get(SESSION_KEY):
        case {
            "user": str(owner),
            "asked_at": int() | float() as at,
            "due_at": None | int() | float() as due_at,
            "is_enrolled": bool(enrolled),
        } if owner == str(user.pk) and at <= now < at + ASKED_EVERY:
            return Standing(due_at, enrolled)
    return None


def _ask(session: Any, user: Any) -> Standing:
    """Ask the policy and the database, and store the answer in the session."""
    grace = rule.grace_of(user)
    found = _FREE
    if grace is not None:
        found = Standing(_began_at(user) + grace.total_seconds(), is_enrolled(user))
    stored = session.get(SESSION_KEY)
    session[SESSION_KEY] = {
        **(stored if isinstance(stored, dict) else {}),
        "user": str(user.pk),
        "asked_at": time.time(),
        "due_at": found.due_at,
        "is_enrolled": found.is_enrolled,
    }
    return found


def _began_at(user: Any) -> float:
    """Return when the grace period of a user began, Unix time in seconds. It may begin now."""
    row, _ = written(EnrollmentGrace).get_or_create(user_id=user.pk)
    began_at: datetime = row.began_at
    return began_at.timestamp()
