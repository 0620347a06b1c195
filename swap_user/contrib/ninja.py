"""Session tokens of the JSON API in django-ninja."""

from typing import Any

from django.http import HttpRequest
from ninja.errors import HttpError
from ninja.security import HttpBearer

from swap_user.api import clients
from swap_user.api.problems import Problem
from swap_user.contrib.cookieless_hack import cookieless
from swap_user.otp.exceptions import LoginUnavailable


class SessionTokenAuth(HttpBearer):
    """
    Accept the session token of an app (``Authorization: Bearer``, RFC 6750 section 2.1).

    ``request.user`` and ``request.auth`` are the user, and ``request.session`` is the session of
    the app, so ``is_fresh(request)`` and ``session_factors(request)`` work. Use the same class for
    sync and async operations: where the operation is async, django-ninja calls it in a thread.

    What an operation stores in the session is not saved.
    """

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        """
        Return the user, or None if the token is not valid or the session has ended.

        Raises:
            HttpError: 403, because the user must add an authenticator app first, or 503, because
                Redis, the database or the cache of the sessions can't be reached.
        """
        try:
            found = clients.session_of(token.strip(), request)
        except LoginUnavailable:
            raise _error(Problem("unavailable")) from None
        except Problem as problem:  # enrollment_needed
            raise _error(problem) from None
        if found is None:
            return None
        session, user = found
        _replace(request, cookieless(session), user)
        return user


def _error(problem: Problem) -> HttpError:
    return HttpError(int(problem.status), problem.body["detail"])


def _replace(request: HttpRequest, session: Any, user: Any) -> None:
    """Give the request the session and the user of the app, also for ``request.auser()``."""

    async def auser() -> Any:
        return user

    request.session = session
    request.user = user
    request.auser = auser
