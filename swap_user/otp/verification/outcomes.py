"""
The outcome of ``authenticate()``, which is an attribute of the request for the view.

``CodeAsPasswordBackend`` takes a code as ``password=``. If that counted as the password, two codes
would complete a login for which the policy requires a password and a code. So the user object says
that it was returned because of a code, and a request can say that no code is accepted now.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponseBase

from swap_user.otp.throttling.guesses import ReachedLimit
from swap_user.otp.visitors import known_browsers
from swap_user.otp.visitors.wrapped import django_request

_ATTRIBUTE = "_swap_user_outcome"
_SESSION_KEY = "_swap_user_session_key"

# An attribute of a request while it is asked for a password alone.
_NO_CODES = "_swap_user_takes_no_code"

# An attribute of a user whom ``authenticate()`` has returned because of a code.
_CODE_ACCEPTED = "_swap_user_code_accepted"


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    The result of an attempt.

    Attributes:
        user: the user whom the code logs in, or None.
        account_key: the account key.
        known: whether this user has logged in with this browser before.
        limited: the limit because of which the code was not checked, or None.
        shown: the factors that the user has shown in this login: that of the code, and those of
            its earlier steps. Empty if the code was refused.
        is_first: whether no login of the account is known: no code was accepted before, and the
            user has no ``last_login``.
    """

    user: AbstractBaseUser | None
    account_key: str
    known: bool = False
    limited: ReachedLimit | None = None
    shown: frozenset[str] = frozenset()
    is_first: bool = False


def note(request: HttpRequest | None, outcome: Outcome) -> None:
    """Save the outcome as an attribute of the request, and note the code on the user."""
    if outcome.user is not None:
        setattr(outcome.user, _CODE_ACCEPTED, True)
    if request is not None:
        noted = django_request(request)
        setattr(noted, _ATTRIBUTE, outcome)
        session = getattr(request, "session", None)
        setattr(noted, _SESSION_KEY, getattr(session, "session_key", None))


def outcome_of(request: HttpRequest | None) -> Outcome | None:
    """Return the outcome of the last code that was checked for this request, or None."""
    return getattr(request, _ATTRIBUTE, None)


def session_key_of(request: HttpRequest) -> str | None:
    """Return the key that the session of the request had when the code was checked, or None."""
    return getattr(request, _SESSION_KEY, None)


def is_of_code(user: Any) -> bool:
    """Return whether ``authenticate()`` has returned this user object because of a code."""
    return bool(getattr(user, _CODE_ACCEPTED, False))


@contextmanager
def password_only(request: HttpRequest) -> Iterator[None]:
    """Let ``authenticate()`` check passwords, and no code, while the password is asked for."""
    asked = django_request(request)
    setattr(asked, _NO_CODES, True)
    try:
        yield
    finally:
        delattr(asked, _NO_CODES)


def is_password_only(request: HttpRequest | None) -> bool:
    """Return whether no code is accepted now, see ``password_only()``."""
    return bool(getattr(request, _NO_CODES, False))


def limited(request: HttpRequest | None) -> ReachedLimit | None:
    """
    Return the limit that was reached, so that ``authenticate()`` did not check the code.

    Args:
        request: the request that ``authenticate()`` was called with.

    Returns:
        None if no limit of the visitor's own was reached. Otherwise an object with ``scope``
        ("address" or "code"), ``retry_in`` (seconds until the next code is checked) and ``longer``
        (whether a longer sent code or a recovery code is checked now).
    """
    outcome = outcome_of(request)
    return outcome.limited if outcome else None


def remember_browser(request: HttpRequest, response: HttpResponseBase) -> None:
    """
    Make the browser known for the account that it has just logged in to.

    The login pages of this package call this function. Views of a project should call it after
    ``login(request, user)``. A known browser has its own limits, which other visitors can't use up.

    Args:
        request: the request that ``authenticate()`` was called with. If it did not log a user in,
            nothing is done.
        response: the response, which gets a signed cookie.
    """
    outcome = outcome_of(request)
    if outcome and outcome.user:
        known_browsers.remember(request, response, outcome.account_key, outcome.user)


async def aremember_browser(request: HttpRequest, response: HttpResponseBase) -> None:
    """See remember_browser()."""
    await sync_to_async(remember_browser)(request, response)
