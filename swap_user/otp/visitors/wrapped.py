"""Requests that wrap a request of Django, as those of Django REST framework do."""

from typing import Any, cast, overload

from django.http import HttpRequest


def django_request(request: Any) -> HttpRequest:
    """
    Return the request of Django that a request wraps, or the request itself.

    What is stored on a request is stored on that one, where a view, a middleware and the receivers
    of Django's signals see it. Everything else can be read from the wrapper too.

    Args:
        request: a request of Django or of Django REST framework.
    """
    return cast(HttpRequest, getattr(request, "_request", request))


@overload
def without_session(request: HttpRequest) -> HttpRequest: ...
@overload
def without_session(request: None) -> None: ...
def without_session(request: HttpRequest | None) -> HttpRequest | None:
    """
    Return a copy of a request that has no session, for clients that keep no cookies.

    A code that is requested with it is bound to no session, and a login with it begins none. The
    limits by address apply as to any other request.

    Args:
        request: the client's request, of Django or of Django REST framework, or None.

    Returns:
        A request of Django, or None. Pass it to ``send_code()``, ``authenticate()`` and
        ``limited()``.
    """
    if request is None:
        return None
    inner = django_request(request)
    # Not copy.copy(), which takes the body of the request from it.
    bare = type(inner).__new__(type(inner))
    vars(bare).update(vars(inner))
    vars(bare).pop("session", None)
    bare.META = {**inner.META}  # where login() tells the middleware to set a cookie
    return bare
