"""The password, where the policy asks for one before a code is sent."""

import time

from django.views.decorators.debug import sensitive_variables

from swap_user.api.answers import another_code_needed
from swap_user.api.operations import Call
from swap_user.api.problems import Problem
from swap_user.otp import policies
from swap_user.otp.challenges import factors_shown
from swap_user.otp.exceptions import AnotherCodeNeeded
from swap_user.otp.verification.password_step import check_password

# The name for which the password was right in this session or flow, and when.
_SESSION_KEY = "_swap_user_password_for"


def is_asked_first(call: Call, username: str) -> bool:
    """
    Return whether a password must come before the code. That does not depend on the user.

    Args:
        call: the request.
        username: the canonical username.
    """
    if not policies.load_policy().asks_password():
        return False
    match call.request.session.get(_SESSION_KEY):
        case [str(name), int() | float() as at]:
            return name != username or not 0 <= time.time() - at < factors_shown.SECONDS
        case _:
            return True


@sensitive_variables("call")
def take_password(call: Call, username: str) -> Problem:
    """
    Return the problem that follows a password: it was wrong, or a code is needed now.

    Args:
        call: the request, whose body has a password.
        username: the canonical username.

    Raises:
        LoginUnavailable: Redis or the database can't be reached.
    """
    if not policies.load_policy().asks_password():
        return Problem("invalid_password")
    request, password = call.request, call.texts["password"]
    if not check_password(request, username, password, lambda user: user.is_authenticated):
        return Problem("invalid_password")
    request.session[_SESSION_KEY] = [username, time.time()]
    # Which codes the user has is not said before one of them was right.
    return another_code_needed(call, AnotherCodeNeeded((policies.ANY_CODE,)))


def forget_password(call: Call) -> None:
    """Forget that a password was right, after the login."""
    call.request.session.pop(_SESSION_KEY, None)
