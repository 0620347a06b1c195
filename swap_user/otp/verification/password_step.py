"""The password, as the first step of a login whose policy requires it (see ``policies.Both``)."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth import authenticate
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from swap_user.otp.availability import report_database_outage
from swap_user.otp.verification import completion, outcomes
from swap_user.users import lookup


@sensitive_variables("password")
def check_password(
    request: HttpRequest, username: str, password: str, permits: Callable[[Any], bool]
) -> bool:
    """
    Return whether the password is right and the user may log in here. A code is not a password.

    The password is recorded as a factor of this session. It does not log the user in.

    Args:
        request: the visitor's request, with a session.
        username: the canonical username.
        password: the password as typed.
        permits: a function that returns whether a user may log in here.

    Raises:
        LoginUnavailable: Redis or the database can't be reached.
    """
    # Other backends find only the spelling that is stored, such as a domain in Unicode.
    with report_database_outage():
        name = lookup.identify(username)
    with outcomes.password_only(request):
        user = authenticate(request, username=name, password=password)
    if user is None or outcomes.is_of_code(user) or not permits(user):
        return False
    completion.note_password(user, request)
    return True
