"""
Redis or the database is away: nobody gets in, and everybody is told so in words.

What can be shown then needs neither of them: no session, no user, no theme of the admin.
"""

import copy
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from typing import Any, TypeVar, cast

import redis
from django.conf import settings
from django.contrib.sessions.backends.base import UpdateError
from django.db import DatabaseError, InterfaceError, OperationalError, connections, transaction
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.cache import add_never_cache_headers

from swap_user.otp import audit
from swap_user.otp.exceptions import LoginUnavailable

# What a client is told when Redis is away, in seconds: most restarts and failovers take less.
RETRY_AFTER = 30

# The server can't be reached, is shutting down, is locked or full. Other errors are mistakes of
# a program, and a page that hid them would hide them from those who can put them right.
DATABASE_ERRORS = (OperationalError, InterfaceError)

_GUARDED = "_swap_user_guarded"

View = TypeVar("View", bound=Callable[..., Any])


@contextmanager
def reported() -> Iterator[None]:
    """
    Say an outage of the database in the log, and as the one exception that callers know.

    Raises:
        LoginUnavailable: the database could not be reached within.
    """
    try:
        yield
    except DATABASE_ERRORS as error:
        if _is_a_mistake(error):
            raise
        _close_broken_connections()
        _record("database", error)
        raise LoginUnavailable("The database can't be reached; nobody can log in.") from error


def guarded(view: View) -> View:
    """
    Answer with ``page`` where a view, its template or its session meets an outage.

    The view is left out of ATOMIC_REQUESTS, which would meet the outage before it; and a code
    that counted stays used up whatever fails after.

    Args:
        view: a function that takes the request first.
    """

    @wraps(view)
    def guard(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if getattr(request, _GUARDED, False):
            # Whoever is further out answers for all.
            return view(request, *args, **kwargs)
        setattr(request, _GUARDED, True)
        return _answer(request, lambda: view(request, *args, **kwargs))

    return cast("View", transaction.non_atomic_requests(guard))


def page(request: HttpRequest) -> HttpResponse:
    """Return the page that needs nothing but its template, with status 503."""
    # What was posted can't be sent again by a link.
    again = request.get_full_path() if request.method in {"GET", "HEAD"} else ""
    text = render_to_string("swap_user/unavailable.html", {"again": again})
    response = HttpResponse(text, status=503, headers={"Retry-After": str(RETRY_AFTER)})
    add_never_cache_headers(response)
    return response


def _answer(request: HttpRequest, make: Callable[[], Any]) -> Any:
    try:
        with reported():
            response = make()
            if callable(getattr(response, "render", None)) and not response.is_rendered:
                # Django renders it later, when those who may change it have done so.
                _guard_rendering(request, response)
            elif response.status_code < 500:
                _save_session(request)
    except LoginUnavailable:
        return page(request)
    except Exception as error:
        # Sessions that are read through a cache.
        if not _is_outage_of_a_cache(error):
            raise
        _record("sessions", error)
        return page(request)
    return response


def _guard_rendering(request: HttpRequest, response: Any) -> None:
    render = response.render

    def guard() -> Any:
        del response.render
        return _answer(request, render)

    response.render = guard


def _save_session(request: HttpRequest) -> None:
    """
    Save the session here, where an outage can still be told in words.

    SessionMiddleware would answer it with a bare 500. It saves again only what was changed since.
    """
    session: Any = getattr(request, "session", None)
    if session is None or not (session.modified or settings.SESSION_SAVE_EVERY_REQUEST):
        return
    if session.is_empty() or "save" in vars(session):
        return
    save = session.save
    try:
        save()
    except UpdateError:
        return  # It ended meanwhile, which the middleware tells.
    except (OSError, RuntimeError) as error:
        # A cache of another kind; Django's sessions say a silent one as RuntimeError.
        _record("sessions", error)
        raise LoginUnavailable("The sessions can't be reached; nobody can log in.") from error
    saved = copy.deepcopy(dict(session.items()))

    def save_changes(must_create: bool = False) -> None:
        del session.save
        if dict(session.items()) != saved:
            save(must_create)

    session.save = save_changes


def _is_outage_of_a_cache(error: Exception) -> bool:
    """Say whether it is a Redis cache's; django-redis, which is optional, has its own error."""
    return isinstance(error, redis.RedisError) or type(error).__name__ == "ConnectionInterrupted"


def _record(server: str, error: Exception) -> None:
    name = type(error).__name__
    audit.record(logging.ERROR, "login unavailable", server=server, error=name, reason=error)


def _is_a_mistake(error: Exception) -> bool:
    """Say whether a table or a column is missing, for which SQLite has no error of its own."""
    return str(error).startswith("no such ")


def _close_broken_connections() -> None:
    """Let the next try open new ones; Django does so only between requests."""
    for connection in connections.all(initialized_only=True):
        # The server that is gone can't be told that the connection ends.
        with suppress(DatabaseError):
            connection.close_if_unusable_or_obsolete()
