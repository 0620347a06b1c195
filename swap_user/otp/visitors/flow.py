"""The flow: the browser session that asked for a code, in which alone that code counts."""

import re
import secrets
from typing import cast

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

SESSION_KEY = "_swap_user_flow"

_SHAPE = re.compile(r"[A-Za-z0-9_-]{16,64}")


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
    # What nobody here wrote may be text that Redis can't be told, or the mark of no flow.
    return flow if isinstance(flow, str) and _SHAPE.fullmatch(flow) else None


def _session(request: HttpRequest | None) -> SessionBase | None:
    return cast("SessionBase | None", getattr(request, "session", None))
