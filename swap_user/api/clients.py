"""
Who sends a request: a browser with its session cookie, or an app with its flow or session token.

The rest of the package sees ``request.session`` and ``request.user`` in both cases. For an app they
are replaced while the request is answered, so no cookie counts, and none is set.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from django.conf import settings
from django.contrib import auth
from django.contrib.messages.storage.base import BaseStorage
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.functional import SimpleLazyObject

from swap_user.api import flows
from swap_user.api.problems import Problem
from swap_user.otp.availability import (
    CACHE_ERRORS,
    DATABASE_ERRORS,
    report_database_outage,
    report_session_outage,
)
from swap_user.otp.enforcement.standing import standing
from swap_user.otp.masked import Masked
from swap_user.otp.sessions import app_sessions, records
from swap_user.otp.visitors.known_browsers import COOKIE

APP, BROWSER = "app", "browser"

# What a request has of its cookies: attributes, and what Django's middleware for CSRF notes.
_OF_COOKIES = ("session", "user", "_cached_user", "_acached_user", "_messages", "COOKIES")
_CSRF = ("CSRF_COOKIE", "CSRF_COOKIE_NEEDS_UPDATE")


@contextmanager
def identified(request: HttpRequest, texts: Mapping[str, str]) -> Iterator[str]:
    """
    Give the request the session of its client, and yield APP or BROWSER.

    Args:
        request: the request.
        texts: the members of the body.

    Raises:
        Problem: the token or the flow is not valid, or the check against forged requests failed.
    """
    session = _app_session(request, texts)
    if session is None:
        _require_browser(request)
        yield BROWSER
    else:
        if browser := texts.get("known_browser"):
            app_sessions.save_known_browser(session, browser)
        with _replaced(request, session):
            if session.session_key is not None:
                _use(request, session)
            yield APP


def bearer_token(request: HttpRequest) -> str | None:
    """Return the token in the header Authorization (RFC 6750 section 2.1), or None."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return Masked(token).strip() if scheme.lower() == "bearer" else None


def session_of(token: str, request: HttpRequest) -> Any:
    """
    Return the session and the user of a token.

    Args:
        token: the session token.
        request: the request with the token.

    Returns:
        The session and the user, or None if the token is not valid or the session has ended.

    Raises:
        Problem: the user must enroll an authenticator app first, see ``AnyCode.must_enroll()``.
        LoginUnavailable: the database, or the cache that holds the sessions, can't be reached.
    """
    with report_database_outage(), report_session_outage():
        session = app_sessions.load(token)
        if session is None:
            return None
        # The client would not get a new token. Django makes one after a change of SECRET_KEY.
        session.cycle_key = lambda: None
        with _replaced(request, session):
            request.user = user = auth.get_user(request)
            try:
                _use(request, session)
                must_enroll = standing(request).is_due
                store(request)
            except Problem:  # a user who can't log in any more, or a session that was ended
                return None
            if must_enroll:
                raise Problem("enrollment_needed")
            return session, user


def store(request: HttpRequest) -> str | None:
    """
    Store the session of an app if it is logged in and has changed.

    Args:
        request: the request of the app.

    Returns:
        The token of the session if it has got a new one, or else None.

    Raises:
        Problem: the session was ended meanwhile.
        LoginUnavailable: the cache that holds the sessions can't be reached.
    """
    session: Any = request.session
    if auth.SESSION_KEY not in session:
        return None
    with report_session_outage(OSError, RuntimeError):
        _save(session)
        if not records.follow(request):
            raise Problem("not_authenticated")
        _save(session)
    return cast("str | None", session.new_token)


def _save(session: Any) -> None:
    if not session.modified:
        return
    try:
        session.save()
    except UpdateError as error:
        if isinstance(error.__context__, DATABASE_ERRORS):
            raise error.__context__ from None
        raise Problem("not_authenticated") from None
    session.modified = False


def _use(request: HttpRequest, session: Any) -> None:
    if not request.user.is_authenticated:
        raise Problem("not_authenticated")
    app_sessions.touch(session)


def _app_session(request: HttpRequest, texts: Mapping[str, str]) -> SessionBase | None:
    """Return the session of an app, or None for a browser."""
    token = bearer_token(request)
    if token is not None:
        session: Any = app_sessions.load(token)
        if session is None:
            raise Problem("not_authenticated")
        return session  # type: ignore[no-any-return]
    if flow := texts.get("flow"):
        return flows.open_flow(flow)  # type: ignore[no-any-return]
    return app_sessions.new() if texts.get("client") == APP else None


def _require_browser(request: HttpRequest) -> None:
    if not hasattr(request, "session"):
        raise Problem("apps_only")  # a project without SessionMiddleware
    if not hasattr(request, "user"):
        request.user = _lazy_user(request)
    if key := request.COOKIES.get(settings.SESSION_COOKIE_NAME):
        try:
            app_sessions.require_cache(request.session)
        except CACHE_ERRORS:
            # SessionMiddleware deletes the cookie of a session that seems to be gone.
            request.session = type(request.session)(key)
            raise
    check = _csrf_check()
    check.process_request(request)
    try:
        refused = check.process_view(request, _no_view, (), {}) is not None
    except (MultiPartParserError, SuspiciousOperation):
        refused = True  # without the header, it looks for the token in a form
    if refused:
        raise Problem("csrf_failed")


def set_csrf_cookie(request: HttpRequest, response: HttpResponse) -> None:
    """Set the cookie of the CSRF token if it was asked for, also without Django's middleware."""
    _csrf_check().process_response(request, response)


def _no_view(request: HttpRequest) -> HttpResponse:
    """Stand in for the view, which is exempt from the check of the middleware."""
    raise NotImplementedError


def _csrf_check() -> CsrfViewMiddleware:
    return _CSRFCheck(lambda _: HttpResponse())


class _CSRFCheck(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> Any:
        return reason


@contextmanager
def _replaced(request: HttpRequest, session: Any) -> Iterator[None]:
    """Let the request have another session and its user, and only the cookie that it stands for."""
    attributes, meta = vars(request), request.META
    kept = {name: attributes.pop(name) for name in _OF_COOKIES if name in attributes}
    kept_meta = {name: meta.pop(name) for name in _CSRF if name in meta}
    request.session = session
    known_browser = app_sessions.known_browser(session)
    request.COOKIES = {COOKIE: known_browser} if known_browser else {}
    request.user = _lazy_user(request)
    if "_messages" in kept:
        request._messages = _NoMessages(request)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for name in _OF_COOKIES:
            attributes.pop(name, None)
        for name in _CSRF:
            meta.pop(name, None)
        attributes.update(kept)
        meta.update(kept_meta)


class _NoMessages(BaseStorage):
    """Takes the messages of receivers of signals, which no page shows to the user of an app."""

    def _get(self, *args: Any, **kwargs: Any) -> tuple[list[Any], bool]:
        return [], True

    def _store(self, *args: Any, **kwargs: Any) -> list[Any]:
        return []


def _lazy_user(request: HttpRequest) -> Any:
    return SimpleLazyObject(lambda: auth.get_user(request))
