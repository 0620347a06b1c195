"""
Session tokens of the JSON API in Django REST framework, and a permission for a fresh login.

Errors have the ``code`` and the other members of the problems of the API, see ``api.problems``.
"""

import time
from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed, PermissionDenied
from rest_framework.permissions import BasePermission

from swap_user.api import clients
from swap_user.api.operations import groups_in_json
from swap_user.api.problems import Problem
from swap_user.conf import swap_user_settings
from swap_user.otp.enforcement.standing import standing
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.pages.login.unavailable import RETRY_AFTER
from swap_user.otp.sessions import proof
from swap_user.otp.sessions.app_store import TOKEN_PREFIX
from swap_user.otp.visitors.wrapped import django_request


class SessionTokenAuthentication(BaseAuthentication):  # type: ignore[misc]
    """
    Accept the session token of an app (``Authorization: Bearer``, RFC 6750 section 2.1).

    ``request.user`` is the user, and ``request.auth`` and ``request.session`` are the session of
    the app, so ``is_fresh(request)`` and ``session_factors(request)`` work. Tokens of other
    packages, such as JWTs, are left to the next authentication class. No cookie counts, so there is
    no check against forged requests.

    What a view stores in the session is not saved.
    """

    def authenticate(self, request: Any) -> tuple[Any, Any] | None:
        """
        Return the user and the session, or None if the request has no session token.

        Raises:
            AuthenticationFailed: the session has ended, or the user can't log in any more.
            EnrollmentNeeded: the user must add an authenticator app first.
            Unavailable: Redis, the database or the cache of the sessions can't be reached.
        """
        token = clients.bearer_token(request)
        if token is None or not token.startswith(TOKEN_PREFIX):
            return None
        try:
            found = clients.session_of(token, django_request(request))
        except LoginUnavailable:
            raise Unavailable from None
        except Problem:
            raise EnrollmentNeeded from None
        if found is None:
            raise AuthenticationFailed(_members(Problem("not_authenticated")))
        session, user = found
        # Only on the wrapper: SessionMiddleware sees its own session, and sets no cookie.
        request.session = session
        return user, session

    def authenticate_header(self, request: Any) -> str:
        """Return the scheme, so that the status is 401 and not 403 (RFC 9110 section 15.5.2)."""
        return "Bearer"


class Unavailable(APIException):  # type: ignore[misc]
    """Redis, the database or the cache of the sessions can't be reached."""

    status_code = 503
    wait = RETRY_AFTER  # the header Retry-After, in seconds

    def __init__(self) -> None:
        super().__init__(_members(Problem("unavailable")))


class EnrollmentNeeded(PermissionDenied):  # type: ignore[misc]
    """The policy requires an authenticator app of the user, see ``AnyCode.must_enroll()``."""

    def __init__(self) -> None:
        super().__init__(_members(Problem("enrollment_needed")))


class FreshLogin(BasePermission):  # type: ignore[misc]
    """
    Require a recent login, for session tokens and for ``SessionAuthentication``.

    The status is 403, the code ``fresh_login_needed``, and ``missing`` has the groups of factors
    of which the user must show one each: the app or the page calls ``POST step-up/`` of the API and
    tries again. The code is ``enrollment_needed`` if the user must add an authenticator app first.

    Attributes:
        max_age: how long ago the login may have been, in seconds. None for OTP_FRESH_LOGIN. Set it
            in a subclass.
    """

    max_age: float | None = None

    def has_permission(self, request: Any, view: Any) -> bool:
        """
        Return whether a user is logged in.

        Raises:
            PermissionDenied: the login is not recent, or the user needs an app first.
        """
        if not (request.user and request.user.is_authenticated):
            return False
        if standing(request).is_due:
            raise EnrollmentNeeded
        now = time.time()
        max_age = swap_user_settings.OTP_FRESH_LOGIN if self.max_age is None else self.max_age
        if not proof.is_sufficient(request, since=now - max_age, now=now):
            missing = groups_in_json(proof.missing(request, since=now - max_age))
            raise PermissionDenied(_members(Problem("fresh_login_needed", missing=missing)))
        return True


def _members(problem: Problem) -> dict[str, Any]:
    """Return what a client reads of a problem. The framework adds the status."""
    return {name: value for name, value in problem.body.items() if name not in {"title", "status"}}
