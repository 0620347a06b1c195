"""Another login of a logged-in user, if an action requires a more recent login."""

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from swap_user.otp.sessions.sessions import is_fresh

SESSION_KEY = "_swap_user_reauthenticate"


def demand(session: SessionBase) -> None:
    """Make the login page ask a logged-in user to log in again instead of redirecting them."""
    session[SESSION_KEY] = True


def is_demanded(request: HttpRequest) -> bool:
    """Return whether the user has to log in again."""
    return request.session.get(SESSION_KEY) is True and not is_fresh(request)


def settle(session: SessionBase) -> None:
    """Delete the demand from the session, after the user has logged in again."""
    session.pop(SESSION_KEY, None)
