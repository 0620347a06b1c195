"""What several operations answer: the session, the times of a code, and what is still missing."""

import time
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.http import HttpResponse
from django.middleware.csrf import get_token

from swap_user.api.flows import seal_flow
from swap_user.api.operations import Answer, Call, groups_in_json
from swap_user.api.problems import Problem
from swap_user.otp.enforcement.standing import standing
from swap_user.otp.exceptions import AnotherCodeNeeded
from swap_user.otp.pages.login.text import limit_in_words
from swap_user.otp.sessions import app_sessions
from swap_user.otp.sessions.proof import session_factors
from swap_user.otp.sessions.sessions import is_fresh
from swap_user.otp.throttling.guesses import ReachedLimit
from swap_user.otp.verification import outcomes
from swap_user.otp.visitors.code_request import CodeRequest
from swap_user.otp.visitors.known_browsers import COOKIE
from swap_user.users import usernames


def session_body(call: Call) -> dict[str, Any]:
    """Return what a client knows about its session, in which a user is logged in."""
    now = standing(call.request)
    due_at = None if now.is_enrolled else now.due_at
    return {
        "user": {"id": str(call.user.pk), "username": usernames.stored(call.user)},
        "factors": {name: at.isoformat() for name, at in session_factors(call.request).items()},
        "is_fresh": is_fresh(call.request),
        "must_enroll_at": None if due_at is None else in_json(due_at),
        **csrf_token(call),
    }


def logged_in(call: Call, **members: Any) -> Answer:
    """
    Return the answer to a login, and make the client known. Call it after ``login()``.

    Args:
        call: the request of the login.
        members: more members of the answer.
    """
    cookies = HttpResponse()
    outcomes.remember_browser(call.request, cookies)
    if call.is_app:
        session = call.request.session
        app_sessions.begin(session)
        members["known_browser"] = cookies.cookies[COOKIE].value
        app_sessions.save_known_browser(session, members["known_browser"])
    return Answer({**session_body(call), **members}, set_cookies=partial(_keep_cookies, cookies))


def csrf_token(call: Call) -> dict[str, str]:
    """Return the token that a browser sends in the header X-CSRFToken. An app needs none."""
    return {} if call.is_app else {"csrf_token": get_token(call.request)}


def times(asked: CodeRequest | None) -> dict[str, int]:
    """Return how long a code lives, and how long to wait for another one, in seconds."""
    now = time.time()
    return {
        "expires_in": asked.expires_in(now) if asked else 0,
        "resend_in": asked.resend_in(now) if asked else 0,
    }


def flow_member(call: Call) -> dict[str, str]:
    """Return the flow of an app that is not logged in. The session of a browser has its own."""
    # The key does not tell: after a code was accepted, the session gets it when it is stored.
    is_logged_in = SESSION_KEY in call.request.session
    return {"flow": seal_flow(call.request)} if call.is_app and not is_logged_in else {}


def another_code_needed(call: Call, needed: AnotherCodeNeeded) -> Problem:
    """Return the problem of a login whose first code was right."""
    members: dict[str, Any] = {"missing": groups_in_json(needed.missing), **flow_member(call)}
    return Problem("another_code_needed", **members)


def limit_reached(limit: ReachedLimit) -> Problem:
    """
    Return the problem of a code that was not checked.

    The limit is one of the visitor's own: their flow or their address (R49).
    """
    headers = {"Retry-After": str(limit.retry_in)}
    return Problem("limited", limit_in_words(limit), headers=headers, longer=limit.longer)


def in_json(seconds: float) -> str:
    """Return a Unix time as a text (RFC 3339)."""
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat()


def _keep_cookies(from_response: HttpResponse, response: HttpResponse) -> None:
    """Copy the cookies of a response to another one."""
    response.cookies.update(from_response.cookies)
