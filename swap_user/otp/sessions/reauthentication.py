"""A visitor who is logged in, but too long ago for what they want to do, logs in once more."""

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from swap_user.otp.sessions.sessions import is_fresh

SESSION_KEY = "_swap_user_reauthenticate"


def demand(session: SessionBase) -> None:
    """Let the login page show itself to this visitor, who would else be sent on by it."""
    session[SESSION_KEY] = True


def is_demanded(request: HttpRequest) -> bool:
    """Say whether this visitor has to log in once more."""
    return request.session.get(SESSION_KEY) is True and not is_fresh(request)


def settle(session: SessionBase) -> None:
    """It was done."""
    session.pop(SESSION_KEY, None)
