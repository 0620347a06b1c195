"""Log in, look at the session, show a code once more, and log out."""

from typing import Any

from django.contrib.auth import authenticate, login, logout
from django.views.decorators.debug import sensitive_variables

from swap_user.api.answers import (
    another_code_needed,
    csrf_token,
    limit_reached,
    logged_in,
    session_body,
)
from swap_user.api.members import IN_FLOW, OF_CLIENT, OTP, PASSWORD, USERNAME
from swap_user.api.names import username_of
from swap_user.api.operations import Answer, Call, operation
from swap_user.api.password import forget_password, take_password
from swap_user.api.problems import Problem, invalid
from swap_user.otp.authenticators import recovery_codes
from swap_user.otp.exceptions import AnotherCodeNeeded
from swap_user.otp.sessions import reauthentication
from swap_user.otp.verification import outcomes, unchecked
from swap_user.otp.visitors import flow
from swap_user.otp.visitors.session_key import renew_key
from swap_user.users import usernames

_LOGIN_PROBLEMS = ("invalid", "invalid_code", "invalid_password", "another_code_needed", "limited")
_OTP = OTP.optional()


@operation(
    "POST",
    "session/",
    takes=(*OF_CLIENT, USERNAME, _OTP, PASSWORD),
    returns={200: "Session"},
    problems=(*_LOGIN_PROBLEMS, "flow_ended"),
    links={409: {"log_in": IN_FLOW, "ask_for_code": IN_FLOW}},
)
def log_in(call: Call) -> Answer:
    """Log in with a code, or show the password first where the policy asks for one."""
    return _take(call, username_of(call))


@operation(
    "POST",
    "step-up/",
    takes=(_OTP, PASSWORD),
    returns={200: "Session"},
    problems=_LOGIN_PROBLEMS,
    needs_login=True,
    enrolls=True,
)
def step_up(call: Call) -> Answer:
    """Show a code once more, so that the login is fresh; the session gets a new key or token."""
    return _take(call, usernames.stored(call.user), call.user)


@operation("GET", "session/", returns={200: "Session"}, needs_login=True, enrolls=True)
def show_session(call: Call) -> Answer:
    """Tell who is logged in, and with which factors."""
    return Answer(session_body(call))


@operation("DELETE", "session/", returns={204: None})
def log_out(call: Call) -> Answer:
    """Log out."""
    logout(call.request)
    return Answer()


@operation("POST", "session/token/", returns={200: "Rotated"}, needs_login=True, enrolls=True)
def rotate_token(call: Call) -> Answer:
    """Replace the session token of an app, or the key of a browser's session; the old one ends."""
    renew_key(call.request.session)
    return Answer({"rotated": True, **csrf_token(call)})


@sensitive_variables("call", "otp")
def _take(call: Call, username: str, only: Any = None) -> Answer:
    """Take a code or a password, of any user or only of one."""
    otp = call.texts.get("otp")
    if otp is None:
        if "password" not in call.texts:
            raise invalid({"otp": "A code is needed, or a password before it."})
        raise take_password(call, username)
    flow.begin(call.request)  # a first code of two is shown in a flow
    try:
        user = authenticate(call.request, username=username, otp=otp)
    except AnotherCodeNeeded as needed:
        raise another_code_needed(call, needed) from None
    if user is None:
        unchecked.report_unchecked(call.request)
        limit = outcomes.limited(call.request)
        raise limit_reached(limit) if limit else Problem("invalid_code")
    if only is not None and user.pk != only.pk:
        raise Problem("invalid_code")
    reauthentication.settle(call.request.session)
    forget_password(call)
    login(call.request, user)
    members = {}
    if recovery_codes.normalize(otp):
        members["recovery_codes_left"] = recovery_codes.remaining_recovery_codes(user)
    return logged_in(call, **members)


OPERATIONS = (log_in, show_session, log_out, rotate_token, step_up)
