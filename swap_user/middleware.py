"""Middleware that a project may add."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.contrib.auth.views import LogoutView
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _

from swap_user.otp.enforcement import rule
from swap_user.otp.enforcement.pages import enroll_first, required_add_url
from swap_user.otp.enforcement.standing import standing
from swap_user.otp.sessions import records


class LoginSessionMiddleware:
    """
    Keeps the records of sessions up to date; place it after AuthenticationMiddleware.

    It records logged-in sessions that have no record, follows new session keys, and saves the time
    of the last request every five minutes. It does so after the view, and only if the session was
    used, so that pages without a session stay without one.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer the request, and then follow its session."""
        if self._is_async:
            return self._answer(request)
        response = cast("HttpResponseBase", self.get_response(request))
        _follow(request, response)
        return response

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        response = cast("HttpResponseBase", await self.get_response(request))
        await sync_to_async(_follow)(request, response)
        return response


def _follow(request: HttpRequest, response: HttpResponseBase) -> None:
    # After a server error, SessionMiddleware does not save the session.
    if response.status_code < 500 and getattr(getattr(request, "session", None), "accessed", False):
        records.follow(request)


class EnrollmentMiddleware:
    """
    Leads users who must enroll an authenticator app to the page that adds one.

    The policy decides who must, see ``AnyCode.must_enroll()``. In a grace period, users are
    reminded. Place it after AuthenticationMiddleware and MessageMiddleware. These views stay open:
    those that need no login (``login_not_required``), the pages of this package, logouts and
    static files.

    The views of Django REST framework answer with status 403 and the code ``enrollment_needed``,
    as the JSON API does. They don't stay open: the framework marks all its views as those that
    need no login.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """Answer the request; ``process_view()`` is called on the way."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """Return a redirect or an error if the user must enroll an app first, or None."""
        if not rule.exists() or _is_open(request, view):
            return None
        if not hasattr(request, "user"):
            raise ImproperlyConfigured(
                "EnrollmentMiddleware must be placed after AuthenticationMiddleware in MIDDLEWARE."
            )
        if not self.applies_to(request):
            return None
        now = standing(request)
        if now.due_at is None or now.is_enrolled:
            return None
        if _is_of_rest_framework(view):
            return _refusal() if now.is_due else None
        add_url = self.get_add_url(request)
        return None if request.path == add_url else enroll_first(request, now, add_url)

    def applies_to(self, request: HttpRequest) -> bool:
        """
        Return whether the user of the request can be required to enroll an app.

        Override it for sessions in which staff act as another user.
        """
        return True

    def get_add_url(self, request: HttpRequest) -> str:
        """
        Return the URL of the page that adds an app, to which users are led.

        Override it if your project has a page of its own.

        Raises:
            ImproperlyConfigured: the project has no page that adds an app.
        """
        return required_add_url(request)


def _is_open(request: HttpRequest, view: Any) -> bool:
    """Return whether a view stays open to users who must enroll an app."""
    if not getattr(view, "login_required", True) and not _is_of_rest_framework(view):
        return True
    # An admin site with one-time codes decides by itself. Its pages include the one that adds an
    # app.
    if hasattr(getattr(view, "admin_site", None), "otp_url"):
        return True
    name = getattr(request.resolver_match, "url_name", None) or ""
    view_class = getattr(view, "view_class", None)
    if name.endswith("logout") or (view_class and issubclass(view_class, LogoutView)):
        return True
    static_url = settings.STATIC_URL or ""
    return len(static_url) > 1 and request.path.startswith(static_url)


def _is_of_rest_framework(view: Any) -> bool:
    return hasattr(getattr(view, "cls", None), "authentication_classes")


def _refusal() -> JsonResponse:
    """Return the error ``enrollment_needed`` of the JSON API. A program can't use a page."""
    detail = _("Your account needs an authenticator app. Please add one.")
    response = JsonResponse({"code": "enrollment_needed", "detail": detail}, status=403)
    add_never_cache_headers(response)
    return response
