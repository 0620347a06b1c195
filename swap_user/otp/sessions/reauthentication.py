"""Another login of a logged-in user, if an action requires a more recent login."""

import time

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from swap_user.conf import swap_user_settings
from swap_user.otp.sessions import proof

SESSION_KEY = "_swap_user_reauthenticate"


def demand(session: SessionBase, max_age: float | None = None) -> None:
    """
    Make the pages of a login ask a logged-in user instead of redirecting them.

    Args:
        session: the user's session.
        max_age: how old the login may be, in seconds. None for OTP_FRESH_LOGIN.
    """
    age = swap_user_settings.OTP_FRESH_LOGIN if max_age is None else max_age
    session[SESSION_KEY] = max(0.0, time.time() - age)


def is_demanded(request: HttpRequest) -> bool:
    """Return whether the user has to show a code again."""
    now = time.time()
    match request.session.get(SESSION_KEY):
        case bool(is_demanded):  # stored by a former version
            since = now - swap_user_settings.OTP_FRESH_LOGIN
            return is_demanded and not proof.is_sufficient(request, since=since, now=now)
        case int() | float() as since:
            return not proof.is_sufficient(request, since=since, now=now)
        case _:
            return False


def settle(session: SessionBase) -> None:
    """Delete the demand from the session, after the user has shown a code."""
    session.pop(SESSION_KEY, None)
