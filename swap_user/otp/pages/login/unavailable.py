"""
The answer to an outage of Redis or of the database: a page that says so, with status 503.

The page needs neither of them: it has no session, no user and no theme of the admin site.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import SimpleTemplateResponse, TemplateResponse
from django.utils.cache import add_never_cache_headers

from swap_user.otp.availability import report_database_outage, report_session_outage
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.pages.login.saved_session import save_session

# Seconds. Most restarts and failovers take less.
RETRY_AFTER = 30

_ANSWERED_FURTHER_OUT = "_swap_user_answers_outages"

View = TypeVar("View", bound=Callable[..., Any])


def answer_outages(view: View) -> View:
    """
    Answer with ``unavailable_page`` if a view, its template or its session meets an outage.

    The view is exempt from ATOMIC_REQUESTS, which would meet the outage first. So a code that
    was accepted stays used, even if something fails after that.

    Args:
        view: a function whose first argument is the request.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if getattr(request, _ANSWERED_FURTHER_OUT, False):
            return view(request, *args, **kwargs)
        setattr(request, _ANSWERED_FURTHER_OUT, True)
        return _answer(request, lambda: view(request, *args, **kwargs))

    return cast("View", transaction.non_atomic_requests(guarded))


def unavailable_page(request: HttpRequest) -> HttpResponse:
    """Return a page that needs nothing but its template, with status 503."""
    # A link can't repeat a POST.
    again = request.get_full_path() if request.method in {"GET", "HEAD"} else ""
    text = render_to_string("swap_user/unavailable.html", {"again": again})
    response = HttpResponse(text, status=503, headers={"Retry-After": str(RETRY_AFTER)})
    add_never_cache_headers(response)
    return response


class GuardedResponse(TemplateResponse):
    """
    Takes the place of a template response until Django renders it, and answers an outage then.

    Both have the same attributes: what template response middleware changes here is changed
    there. The result of rendering is the other response, which was never altered.

    Args:
        request: the request that is answered.
        response: what the view returned, of any class.
    """

    __slots__ = ("_answered_request", "_response")

    def __init__(self, request: HttpRequest, response: SimpleTemplateResponse) -> None:
        self.__dict__ = response.__dict__
        self._answered_request = request
        self._response = response

    def render(self) -> Any:
        """Render the response; return it, or ``unavailable_page``."""
        return _answer(self._answered_request, self._response.render)


def _answer(request: HttpRequest, respond: Callable[[], Any]) -> Any:
    """
    Return the response that ``respond`` returns, or ``unavailable_page`` after an outage.

    A response that is not rendered yet is returned as a ``GuardedResponse``. For any other, the
    session is saved.
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
