"""The sessions of the user: see them, and end one or all others (R52)."""

from typing import Any

from django.contrib.auth import logout

from swap_user.api.operations import Answer, Call, operation
from swap_user.api.problems import Problem
from swap_user.models import LoginSession
from swap_user.otp.sessions import records
from swap_user.otp.sessions.app_store import is_app_key
from swap_user.otp.sessions.ending import end_session, sessions_of
from swap_user.otp.sessions.sessions import end_sessions
from swap_user.otp.visitors.user_agents import short_name


@operation(
    "GET",
    "sessions/",
    returns={200: "Sessions"},
    needs_login=True,
    links={200: {"end_one_session": {"id": "/sessions/0/id"}}},
)
def list_sessions(call: Call) -> Answer:
    """List where the user is logged in."""
    records.follow(call.request)  # a session of before an upgrade has no record yet
    this = _this(call)
    return Answer({"sessions": [_in_json(row, this) for row in sessions_of(call.user)]})


@operation(
    "DELETE", "sessions/<str:id>/", returns={204: None}, problems=("not_found",), needs_login=True
)
def end_one_session(call: Call) -> Answer:
    """End one session of the user."""
    if call.path["id"] == str(_this(call)):
        logout(call.request)
    elif not end_session(call.user, call.path["id"]):
        raise Problem("not_found")
    return Answer()


@operation(
    "DELETE",
    "sessions/",
    returns={200: "SessionToken", 204: None},
    needs_login=True,
)
def end_other_sessions(call: Call) -> Answer:
    """End all other sessions of the user."""
    end_sessions(call.user, keep=call.request)
    return Answer()


def _this(call: Call) -> Any:
    note = records.read_note(call.request.session)
    return note.id if note else None


def _in_json(row: LoginSession, this: Any) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "client": "app" if is_app_key(row.session_key) else "browser",
        "name": short_name(row.user_agent),
        "network": row.network,
        "logged_in_at": row.created_at.isoformat(),
        "last_seen_at": row.last_seen_at.isoformat(),
        "is_current": row.pk == this,
    }


OPERATIONS = (list_sessions, end_one_session, end_other_sessions)
