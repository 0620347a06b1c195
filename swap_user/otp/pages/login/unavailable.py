"""
The response during an outage of Redis or of the database: a page with status 503.

The page uses neither Redis nor the database, so it has no session, no user and no admin theme.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.template.loader import render_to_string
from django.template.response import SimpleTemplateResponse, TemplateResponse
from django.utils.cache import add_never_cache_headers
from django.utils.http import escape_leading_slashes

from swap_user.conf import swap_user_settings
from swap_user.otp.availability import report_database_outage, report_session_outage
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.pages.login.saved_session import save_session
from swap_user.otp.site_name import host_name

# Value of the header Retry-After, in seconds. Most restarts and failovers take less time.
RETRY_AFTER = 30

_HAS_OUTER_GUARD = "_swap_user_answers_outages"

View = TypeVar("View", bound=Callable[..., Any])


def answer_outages(view: View) -> View:
    """
    Return ``unavailable_page()`` if there is an outage in a view, its template or its session.

    ATOMIC_REQUESTS does not apply to the view, because it would raise the exception of an outage
    outside of this decorator. Therefore an accepted code stays used even if the view fails later.

    Args:
        view: a function whose first argument is the request.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if getattr(request, _HAS_OUTER_GUARD, False):
            return view(request, *args, **kwargs)
        setattr(request, _HAS_OUTER_GUARD, True)
        return _answer(request, lambda: view(request, *args, **kwargs))

    return cast("View", transaction.non_atomic_requests(guarded))


def unavailable_page(request: HttpRequest) -> HttpResponse:
    """Return a page with status 503 that needs only its template."""
    # The page has a link that tries again, except after a POST, which a link can't repeat.
    again = request.get_full_path() if request.method in {"GET", "HEAD"} else ""
    # A path with two slashes at its beginning would be a link to another host.
    again = escape_leading_slashes(again)
    # Not the name of the current Site, which is in the database.
    host, _port = split_domain_port(host_name(request))
    context = {
        "again": again,
        "site_name": swap_user_settings.OTP_ISSUER or host,
        # As Django's context processor has it. Other processors may need the database.
        "csp_nonce": getattr(request, "_csp_nonce", None),
    }
    text = render_to_string("swap_user/unavailable.html", context)
    response = HttpResponse(text, status=503, headers={"Retry-After": str(RETRY_AFTER)})
    add_never_cache_headers(response)
    return response


class GuardedResponse(TemplateResponse):
    """
    Replaces a template response until Django renders it, and handles an outage during rendering.

    Both responses share their attributes, so changes by template response middleware apply to both.
    ``render()`` returns the response of the view, so its class does not change.

    Args:
        request: the request of the response.
        response: the response of the view. It can be of any subclass.
    """

    __slots__ = ("_answered_request", "_response")

    def __init__(self, request: HttpRequest, response: SimpleTemplateResponse) -> None:
        self.__dict__ = response.__dict__
        self._answered_request = request
        self._response = response

    def render(self) -> Any:
        """Render the response of the view and return it, or return ``unavailable_page()``."""
        return _answer(self._answered_request, self._response.render)


def _answer(request: HttpRequest, respond: Callable[[], Any]) -> Any:
    """
    Return the response of ``respond()``, or ``unavailable_page()`` after an outage.

    If the response is not rendered yet, return a ``GuardedResponse``. Otherwise save the session.
    """
    try:
        with report_database_outage(), report_session_outage():
            response = respond()
            if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
                return GuardedResponse(request, response)
            # SessionMiddleware does not save the session after a server error.
            if response.status_code < 500:
                save_session(request)
            return response
    except LoginUnavailable:
        return unavailable_page(request)
