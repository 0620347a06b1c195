"""The outcome of ``authenticate()``, which is an attribute of the request for the view."""

from typing import TYPE_CHECKING

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponseBase

from swap_user.otp.throttling.guesses import ReachedLimit
from swap_user.otp.visitors import known_browsers

if TYPE_CHECKING:
    from swap_user.otp.verification.verifier import Outcome

_ATTRIBUTE = "_swap_user_outcome"
_SESSION_KEY = "_swap_user_session_key"


def note(request: HttpRequest | None, outcome: "Outcome") -> None:
    """Save the outcome as an attribute of the request."""
    if request is not None:
        # Django REST framework wraps the request of Django. Attributes of that one are seen through
        # the wrapper, so both can be passed to login().
        noted = getattr(request, "_request", request)
        setattr(noted, _ATTRIBUTE, outcome)
        session = getattr(request, "session", None)
        setattr(noted, _SESSION_KEY, getattr(session, "session_key", None))


def outcome_of(request: HttpRequest | None) -> "Outcome | None":
    """Return the outcome of the last code that was checked for this request, or None."""
    return getattr(request, _ATTRIBUTE, None)


def session_key_of(request: HttpRequest) -> str | None:
    """Return the key that the session of the request had when the code was checked, or None."""
    return getattr(request, _SESSION_KEY, None)


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
