"""The flow: the browser session that asked for a code, in which alone that code counts."""

import secrets
from typing import cast

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

SESSION_KEY = "_swap_user_flow"


def begin(request: HttpRequest | None) -> str | None:
    """
    Return the flow of this session, started now if there was none.

    Args:
        request: None, or one without a session (an API): then there is no flow and the code is
            not bound to one.
    """
    session = _session(request)
    if session is None:
        return None
    flow = current(request)
    if flow is None:
        flow = session[SESSION_KEY] = secrets.token_urlsafe(16)
    return flow


def current(request: HttpRequest | None) -> str | None:
    """Return the flow of this session, or None if it never asked for a code."""
    session = _session(request)
    flow = None if session is None else session.get(SESSION_KEY)
    return flow if isinstance(flow, str) else None


def _session(request: HttpRequest | None) -> SessionBase | None:
    return cast("SessionBase | None", getattr(request, "session", None))
