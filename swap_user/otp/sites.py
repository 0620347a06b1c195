"""
The admin site that is entered with a one-time code.

Django loads this module while it loads the apps, before there is a user model: what needs one is
imported where it is used.
"""

from copy import copy
from functools import update_wrapper
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from django.contrib.admin import AdminSite
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import FieldDoesNotExist
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from swap_user.otp.admin import enforce_enrollment, header_link
from swap_user.otp.pages.login import unavailable

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser

    from swap_user.otp.pages.login.base import StepView
    from swap_user.otp.pages.methods.urls import Page

    _Site = AdminSite
else:
    _Site = object


# Outside of all that asks who the visitor is.
_guarded = method_decorator(unavailable.answer_outages)


class OTPAdminSiteMixin(_Site):
    """
    Makes any AdminSite, a themed one too, ask for a one-time code in place of a password.

    Put it first: ``class MySite(OTPAdminSiteMixin, ThemedAdminSite)``.
    """

    otp_login_template: str | None = None
    """Template of the page that asks who; None for ours, which extends the site's login page."""

    otp_check_template: str | None = None
    """Template of the page that asks for the code; likewise."""

    otp_invalid_code_message: Any = gettext_lazy(
        "That code did not work. It may be mistyped, already used or expired, "
        "or the account may have no access here."
    )
    """The one answer to every code that lets nobody in."""

    def get_urls(self) -> "list[URLPattern | URLResolver]":
        """Add the addresses that a login by code needs, and those of the sign-in methods."""
        return [
            path("check-otp/", self.check_otp, name="check-otp"),
            path("resend-otp/", self.resend_otp, name="resend-otp"),
            *self._method_urls(),
            *super().get_urls(),
        ]

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """
        Guard a page as Django does; link the sign-in methods from its header.

        With OTP_STAFF_MUST_ENROLL, staff without an authenticator are led to where they add one.
        """

        def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if enforce_enrollment.is_due(request, self.otp_url):
                return enforce_enrollment.lead(request, self.otp_url)
            return header_link.add(view(request, *args, **kwargs), self.otp_url)

        return super().admin_view(update_wrapper(page, view), cacheable)

    @login_not_required
    @_guarded
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask who wants to log in, and send a code."""
        template = self.otp_login_template or "swap_user/admin/login.html"
        return self._step(_views().UsernameView, request, template, _("Log in"), extra_context)

    @login_not_required
    @_guarded
    def check_otp(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask for the code, and log in."""
        return self._code_step(_views().CodeView, request, extra_context)

    @login_not_required
    @_guarded
    def resend_otp(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Send another code."""
        return self._code_step(_views().ResendView, request, extra_context)

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Change the password, where there is one."""
        _require_password(request)
        return super().password_change(request, extra_context)

    def password_change_done(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Say that it was changed, where there is one."""
        _require_password(request)
        return super().password_change_done(request, extra_context)

    def _code_step(
        self, view: "type[StepView]", request: HttpRequest, extra_context: dict[str, Any] | None
    ) -> HttpResponse:
        template = self.otp_check_template or "swap_user/admin/check_otp.html"
        options = {"invalid_code_message": self.otp_invalid_code_message}
        return self._step(view, request, template, _("Enter the code"), extra_context, **options)

    def _method_urls(self) -> "list[URLPattern]":
        """Return the addresses of the pages on sign-in methods."""
        from swap_user.otp.pages.methods import urls  # noqa: PLC0415

        return [path(page.route, self._method_page(page), name=page.name) for page in urls.PAGES]

    def _method_page(self, page: "Page") -> Any:
        """Return one of those pages as a page of this site."""

        def view(request: HttpRequest, **kwargs: Any) -> HttpResponse:
            request.current_app = self.name
            return page.view.as_view(
                template_name=page.template,
                login_url=self.otp_url("login"),
                namespace="admin:",
                current_app=self.name,
                extra_context=self.each_context(request),
            )(request, **kwargs)

        guarded = unavailable.answer_outages(self.admin_view(view))
        # As Django marks its own, for LoginRequiredMiddleware.
        guarded.admin_site = self
        guarded.login_url = reverse_lazy("admin:login", current_app=self.name)
        return guarded

    def _step(
        self,
        view: "type[StepView]",
        request: HttpRequest,
        template: str,
        title: str,
        extra_context: dict[str, Any] | None,
        **options: Any,
    ) -> HttpResponse:
        """Run one of the views as a page of this site."""

        def permits(user: "AbstractBaseUser | AnonymousUser") -> bool:
            # The site's own test, as it would be if this user had made the request.
            as_user: Any = copy(request)
            as_user.user = user
            return self.has_permission(as_user)

        request.current_app = self.name
        response = view.as_view(
            template_name=template,
            login_url=self.otp_url("login"),
            check_url=self.otp_url("check-otp"),
            resend_url=self.otp_url("resend-otp"),
            next_page=self.otp_url("index"),
            permits=permits,
            extra_context={
                **self.each_context(request),
                "title": title,
                "subtitle": None,
                "app_path": request.get_full_path(),
                "username": request.user.get_username(),
                "base_template": self.login_template or "admin/login.html",
                **(extra_context or {}),
            },
            **options,
        )(request)
        return cast(HttpResponse, response)

    def otp_url(self, name: str) -> str:
        """Return the address of one of the pages of this site."""
        return reverse(f"admin:{name}", current_app=self.name)


class OTPAdminSite(OTPAdminSiteMixin, AdminSite):
    """Django's admin site, entered with a one-time code."""


def _views() -> ModuleType:
    from swap_user.otp.pages.login import views  # noqa: PLC0415

    return views


def _require_password(request: HttpRequest) -> None:
    """Say that there is no such page to users of a model without passwords."""
    user: Any = request.user
    try:
        user._meta.get_field("password")
    except FieldDoesNotExist:
        if not user.has_usable_password():
            raise Http404("This account has no password.") from None
