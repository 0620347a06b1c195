"""
The flow: the browser session that requested a code. The code works only in this session.

After each accepted step of a login, the session gets another flow and another key (R53). So who
knows the earlier ones, because they planted the session or stole its cookie, can't take part in the
rest of the login. This also holds for sessions in signed cookies, which no server can delete.
"""

import re
import secrets
from typing import cast

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from swap_user.otp.visitors.session_key import renew_key

SESSION_KEY = "_swap_user_flow"

_SHAPE = re.compile(r"[A-Za-z0-9_-]{16,64}")


def begin(request: HttpRequest | None) -> str | None:
    """
    Return the flow of the session, and start one if there is none.

    Args:
        request: the visitor's request, or None.

    Returns:
        The flow, or None if there is no request or no session (as in an API). The code is then
        not bound to a flow.
    """
    session = _session(request)
    if session is None:
        return None
    flow = current(request)
    if flow is None:
        flow = session[SESSION_KEY] = new_id()
    return flow


def new_id() -> str:
    """Return a random id of a flow."""
    return secrets.token_urlsafe(16)


def renew(request: HttpRequest | None, flow: str) -> None:
    """
    Give the session another flow and another key.

    Args:
        request: the visitor's request. Without a session, nothing happens.
        flow: the id of the new flow, see ``new_id()``.
    """
    if (session := _session(request)) is not None:
        session[SESSION_KEY] = flow
        renew_key(session)


def replace(session: SessionBase) -> None:
    """Give the session another flow, if it has one. Nothing in Redis belongs to it yet."""
    if SESSION_KEY in session:
        session[SESSION_KEY] = new_id()


def current(request: HttpRequest | None) -> str | None:
    """Return the flow of the session, or None if no code was requested in it."""
    session = _session(request)
    flow = None if session is None else session.get(SESSION_KEY)
    # Other code may have set another value, such as text that can't be encoded, or "-", which means
    # that there is no flow.
    return flow if isinstance(flow, str) and _SHAPE.fullmatch(flow) else None


def _session(request: HttpRequest | None) -> SessionBase | None:
    return cast("SessionBase | None", getattr(request, "session", None))
