"""
The flow of an app: what a browser's session holds before the login, in a signed text.

An app has no session before the login, so nothing is stored for visitors who never log in. After
each accepted step the flow changes, and the earlier text is worth nothing (R53).
"""

from typing import Any

from django.contrib.auth import SESSION_KEY as USER_KEY
from django.core import signing
from django.http import HttpRequest

from swap_user.api.problems import Problem
from swap_user.otp.sessions import app_sessions
from swap_user.otp.store import keys
from swap_user.otp.visitors import flow

SECONDS = 900
"""How long a flow lasts after the last answer that had it: longer than any code."""


def open_flow(text: str) -> Any:
    """
    Return the session of a flow, which is not stored before the login.

    Args:
        text: the flow that the app has got.

    Raises:
        Problem: the flow has ended, or is none.
    """
    try:
        data = signing.loads(text, salt=_salt(), max_age=SECONDS)
    except signing.BadSignature:
        raise Problem("flow_ended") from None
    if not isinstance(data, dict) or USER_KEY in data:
        raise Problem("flow_ended")  # a session in which a user is logged in is never a flow
    session = app_sessions.new()
    session.update(data)
    return session


def seal_flow(request: HttpRequest) -> str:
    """Return the flow of a request, as a text for the app. It begins if there is none yet."""
    flow.begin(request)
    return signing.dumps(dict(request.session.items()), salt=_salt(), compress=True)


def _salt() -> str:
    """Return the salt of the signature. The flow of one tenant is not valid in another one."""
    scope = keys.scope()
    return f"swap_user.flow:{scope}" if scope else "swap_user.flow"
