"""Views that require a session in which the user has shown a code, perhaps recently."""

import time
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, TypeVar, cast, overload

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, reverse
from django.utils.cache import add_never_cache_headers

from swap_user.otp.enforcement.pages import enroll_first
from swap_user.otp.enforcement.standing import standing
from swap_user.otp.pages.account import names
from swap_user.otp.sessions import proof, reauthentication

View = TypeVar("View", bound=Callable[..., Any])

# The shortest max_age, in seconds. The request after a login must come within this time.
SHORTEST = 30


@overload
def otp_required(view: View) -> View: ...


@overload
def otp_required(*, max_age: float | None = None) -> Callable[[View], View]: ...


def otp_required(view: View | None = None, *, max_age: float | None = None) -> Any:
    """
    Require that the user has shown, in this session, the factors that the policy requires.

    A login by another package, with a password alone or as another user is not enough. Users who
    are logged in are redirected to the page ``swap_user:step-up``, which asks for a code and leads
    back. Others are redirected to LOGIN_URL, or to ``swap_user:login`` if the project does not set
    it. The decorator is used with or without an argument, on sync and async views::

        @otp_required(max_age=600)
        def pay(request): ...

    If the pages of ``swap_user.otp.urls`` are not included, all are redirected to LOGIN_URL. That
    page must be a login page of this package, such as ``admin:login``.

    Users of whom the policy requires an authenticator app are reminded of it. When their grace
    period is over, they are redirected to the page that adds one, which leads back.

    Args:
        view: the view.
        max_age: how long ago the factors may have been shown, in seconds. None for no limit within
            the session.

    Raises:
        ValueError: ``max_age`` is shorter than 30 seconds, within which no browser could come back
            from the page that asks.
    """
    if max_age is not None and max_age < SHORTEST:
        raise ValueError(f"max_age must be at least {SHORTEST} seconds.")
    if view is None:
        return lambda view: _guarded(view, max_age)
    return _guarded(view, max_age)


class OTPRequiredMixin:
    """
    Require a code in class-based views, sync and async; see ``otp_required()``.

    Attributes:
        max_age: how long ago the factors may have been shown, in seconds. None for no limit.
    """

    max_age: float | None = None

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., Any]:
        """Return the view. ``max_age`` can be an argument."""
        view = super().as_view(**initkwargs)  # type: ignore[misc]
        max_age = initkwargs.get("max_age", cls.max_age)
        return cast("Callable[..., Any]", otp_required(max_age=max_age)(view))


def _guarded(view: View, max_age: float | None) -> View:
    if iscoroutinefunction(view):

        @wraps(view)
        async def async_guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            redirect = await sync_to_async(_redirect)(request, max_age)
            if redirect is not None:
                return redirect
            return await cast("Awaitable[Any]", view(request, *args, **kwargs))

        return cast("View", async_guarded)

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        redirect = _redirect(request, max_age)
        return view(request, *args, **kwargs) if redirect is None else redirect

    return cast("View", guarded)


def _redirect(request: HttpRequest, max_age: float | None) -> HttpResponseBase | None:
    """Return a redirect to the page that asks for a code, or None if the session is sufficient."""
    now = time.time()
    since = None if max_age is None else now - max_age
    if proof.is_sufficient(request, since=since, now=now):
        return enroll_first(request, standing(request))
    if request.user.is_authenticated:
        reauthentication.demand(request.session, now if max_age is None else max_age)
        url = _url_of(names.STEP_UP)
    else:
        has_own = settings.is_overridden("LOGIN_URL")  # type: ignore[misc]
        url = resolve_url(settings.LOGIN_URL) if has_own else _url_of(names.LOGIN)
    response = redirect_to_login(request.get_full_path(), url)
    add_never_cache_headers(response)
    return response


def _url_of(name: str) -> str:
    try:
        return reverse(f"swap_user:{name}")
    except NoReverseMatch:
        return resolve_url(settings.LOGIN_URL)
