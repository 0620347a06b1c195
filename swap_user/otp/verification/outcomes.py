"""What became of the code that a request offered, for the view that answers it."""

from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponseBase

from swap_user.otp.throttling.guesses import ReachedLimit
from swap_user.otp.visitors import known_browsers

if TYPE_CHECKING:
    from swap_user.otp.verification.verifier import Outcome

_ATTRIBUTE = "_swap_user_outcome"


def note(request: HttpRequest | None, outcome: "Outcome") -> None:
    """Keep the outcome with the request."""
    if request is not None:
        setattr(request, _ATTRIBUTE, outcome)


def of(request: HttpRequest | None) -> "Outcome | None":
    """Return the outcome of the last code that this request offered, None if it offered none."""
    return getattr(request, _ATTRIBUTE, None)


def limited(request: HttpRequest | None) -> ReachedLimit | None:
    """
    Say why ``authenticate`` did not look at the code of this request, and for how long.

    Args:
        request: the one that ``authenticate`` was given.

    Returns:
        None if it was looked at. Else ``scope``: "account", "address" or "code"; ``retry_in``, in
        seconds; and ``longer``, whether a longer code that is sent now, or a recovery code,
        would be looked at all the same.
    """
    outcome = of(request)
    return outcome.limited if outcome else None


def remember_browser(request: HttpRequest, response: HttpResponseBase) -> None:
    """
    Let the browser be known for the account that it has just logged in to.

    The login pages of this package do it themselves; a view of the project's own calls it after
    ``login(request, user)``. What others try can't use up the limits of a known browser.

    Args:
        request: the one that ``authenticate`` was given; if it let nobody in, nothing is done.
        response: what answers it; it gets a signed cookie.
    """
    outcome = of(request)
    if outcome and outcome.user:
        known_browsers.remember(request, response, outcome.account_key, outcome.user)
