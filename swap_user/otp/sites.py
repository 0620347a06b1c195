"""The admin site that asks for a one-time code in place of a password."""

from contextlib import suppress
from copy import copy
from functools import update_wrapper
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import FieldDoesNotExist
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
)
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, URLResolver, path, reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from swap_user.otp.admin import header_link, login_base
from swap_user.otp.pages.login.unavailable import answer_outages

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser

    from swap_user.otp.pages.login.base import StepView
    from swap_user.otp.pages.methods.urls import Page

    _Site = AdminSite
else:
    _Site = object


def _pages() -> ModuleType:
    """
    Import and return the module with the parts of the site that need the user model.

    The import is here, so that the classes below can be imported before the user model, as Django's
    AdminSite can: in an ``apps.py``, or in the module of the user model if it uses ``admin.site``.
    """
    from swap_user.otp.admin import pages  # noqa: PLC0415

    return pages


class OTPAdminSiteMixin(_Site):
    """
    Makes an AdminSite ask for a one-time code in place of a password. Sites of themes work too.

    It must be the first base class: ``class MySite(OTPAdminSiteMixin, ThemedAdminSite)``.
    """

    otp_login_template: str | None = None
    """
    Template of the page that asks for the username.

    If None, the template of this package is used, which extends the login page of the site.
    """

    otp_check_template: str | None = None
    """Template of the page that asks for the code. If None, this package's template is used."""

    otp_invalid_code_message: Any = gettext_lazy(
        "That code did not work. It may be mistyped, already used or expired, or the account may "
        "have no access here. If it does not work again, ask for a new one, or use a recovery code."
    )
    """Error message for a refused code. It is the same for every reason, and says what to do."""

    def get_urls(self) -> "list[URLPattern | URLResolver]":
        """Add the URLs of the steps of a login, and of the pages on sign-in methods."""
        return [
            path("check-otp/", self.check_otp, name="check-otp"),
            path("resend-otp/", self.resend_otp, name="resend-otp"),
            path("change-username/undo/", self.undo_change, name="undo-change"),
            path("not-me/", self.not_me, name="not-me"),
            *self._get_method_urls(),
            *super().get_urls(),
        ]

    def has_permission(self, request: HttpRequest) -> bool:
        """
        Return whether the user has permission, and the session has shown what the policy requires.

        A login by another page, by another package or as another user is no proof. The login page
        then asks the user to log in here as well.
        """
        return super().has_permission(request) and self._is_proven(request)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """
        Check permissions as Django does, and add the link to the sign-in methods to the header.

        With OTP_STAFF_MUST_ENROLL, staff without an authenticator are redirected to the page that
        adds one. Users who change their own address are redirected to the page on which a code
        confirms it, or to the login page if their login is not recent (R50).
        """

        def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if redirect := self._redirect_first(request):
                return redirect
            try:
                with _pages().own_address_change(request, needs_code=True):
                    response = view(request, *args, **kwargs)
            except _pages().CodeNeeded as needed:
                return self._confirm_address(request, needed.address)
            except _pages().FreshLoginNeeded:
                again: HttpResponseBase = _pages().log_in_again(request, self.otp_url("login"))
                return again
            _pages().user_link.add(response, request, self)
            return header_link.add(response, self.otp_url)

        return super().admin_view(update_wrapper(page, view), cacheable)

    @login_not_required
    @method_decorator(answer_outages)
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask for the username, and send a code."""
        template = self.otp_login_template or "swap_user/admin/login.html"
        view = _pages().UsernameView
        return self._show_step(
            view, request, template, pgettext("swap_user", "Log in"), extra_context
        )

    @login_not_required
    @method_decorator(answer_outages)
    def check_otp(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask for the code, and log the user in."""
        return self._show_code_step(_pages().CodeView, request, extra_context)

    @login_not_required
    @method_decorator(answer_outages)
    def resend_otp(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Send another code."""
        return self._show_code_step(_pages().ResendView, request, extra_context)

    @login_not_required
    @method_decorator(answer_outages)
    def undo_change(self, request: HttpRequest) -> HttpResponse:
        """Undo a change of address, with the link in the notice to the former one."""
        template = "swap_user/admin/undo_change.html"
        return self._show_step(_pages().UndoChangeView, request, template, "", None)

    @login_not_required
    @method_decorator(answer_outages)
    def not_me(self, request: HttpRequest) -> HttpResponse:
        """End all sessions of an account, with the link in a notice to its owner."""
        request.current_app = self.name
        response: HttpResponse = _pages().NotMeView.as_view(
            template_name="swap_user/admin/not_me.html",
            login_url=self.otp_url("login"),
            methods_url=self.otp_url("sign-in-methods"),
            extra_context={
                **self.each_context(request),
                "base_template": login_base.base_template(self.login_template),
            },
        )(request)
        return response

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Change the password of a user who can have one."""
        _require_password(request)
        return super().password_change(request, extra_context)

    def password_change_done(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Show that the password of a user who can have one was changed."""
        _require_password(request)
        return super().password_change_done(request, extra_context)

    def otp_url(self, name: str, *args: Any) -> str:
        """Return the URL of a page of this site by its name."""
        return reverse(f"admin:{name}", args=args, current_app=self.name)

    def _confirm_address(self, request: HttpRequest, address: str) -> HttpResponseBase:
        """Redirect users who have changed their own address to the page that confirms it."""
        text = _("Your own address needs a code that is sent there. Nothing was saved yet.")
        messages.warning(request, text, fail_silently=True)
        query = urlencode({"new": "", "username": address})
        return HttpResponseRedirect(f"{self.otp_url('change-username')}?{query}")

    def _show_code_step(
        self, view: "type[StepView]", request: HttpRequest, extra_context: dict[str, Any] | None
    ) -> HttpResponse:
        template = self.otp_check_template or "swap_user/admin/check_otp.html"
        title = _("Enter the code")
        options = {"invalid_code_message": self.otp_invalid_code_message}
        return self._show_step(view, request, template, title, extra_context, **options)

    def _show_step(
        self,
        view: "type[StepView]",
        request: HttpRequest,
        template: str,
        title: str,
        extra_context: dict[str, Any] | None,
        **options: Any,
    ) -> HttpResponse:
        """Return the response of one step of the login, as a page of this site."""

        def permits(user: "AbstractBaseUser | AnonymousUser") -> bool:
            # has_permission() of the site takes a request, so it gets a copy with this user.
            as_user: Any = copy(request)
            as_user.user = user
            # The user may not have logged in yet.
            _pages().waive(as_user)
            return self.has_permission(as_user)

        request.current_app = self.name
        response = view.as_view(
            template_name=template,
            login_url=self.otp_url("login"),
            check_url=self.otp_url("check-otp"),
            resend_url=self.otp_url("resend-otp"),
            next_page=self.otp_url("index"),
            permits=permits,
            requires_proof=True,
            extra_context={
                **self.each_context(request),
                "title": title,
                "subtitle": None,
                "app_path": request.get_full_path(),
                "username": request.user.get_username(),
                "base_template": login_base.base_template(self.login_template),
                **self._get_default_next(request),
                **(extra_context or {}),
            },
            **options,
        )(request)
        return cast(HttpResponse, response)

    def _redirect_first(self, request: HttpRequest) -> HttpResponseBase | None:
        """Return a redirect if the user has to log in here or to enroll before they go on."""
        redirect: HttpResponseBase | None = None
        # A site may override has_permission() without calling the method of this class.
        if not (_pages().follow(request) and self._is_proven(request)):
            login_url = self.otp_url("login")
            redirect = _pages().redirect_to_login(request.get_full_path(), login_url)
        elif _pages().must_enroll(request, self.otp_url):
            redirect = _pages().redirect_to_enrollment(request, self.otp_url)
        return redirect

    def _is_proven(self, request: HttpRequest) -> bool:
        """Return whether the session is sufficient for the page. The logout asks for nothing."""
        if _pages().is_sufficient(request):
            return True
        # A project may ask has_permission() in a URLconf without this site.
        with suppress(NoReverseMatch):
            return request.path == self.otp_url("logout")
        return False

    def _get_default_next(self, request: HttpRequest) -> dict[str, str]:
        """Return the context of a page without ``next``, which leads to the index, as Django's."""
        if REDIRECT_FIELD_NAME in request.GET or REDIRECT_FIELD_NAME in request.POST:
            return {}
        return {REDIRECT_FIELD_NAME: self.otp_url("index")}

    def _get_method_urls(self) -> "list[URLPattern]":
        """Return the URLs of the pages on sign-in methods."""
        return [
            path(page.route, self._make_method_view(page), name=page.name)
            for page in (*_pages().PAGES, *_pages().USER_PAGES)
        ]

    def _make_method_view(self, page: "Page") -> Any:
        """Return the view of a page on sign-in methods, as a page of this site."""
        # Pages for staff about other users ask the admins of this site for permissions.
        options = {"admin_site": self} if hasattr(page.view, "admin_site") else {}

        def view(request: HttpRequest, **kwargs: Any) -> HttpResponse:
            request.current_app = self.name
            return page.view.as_view(
                template_name=page.template_in("admin"),
                login_url=self.otp_url("login"),
                namespace="admin:",
                current_app=self.name,
                extra_context=self.each_context(request),
                **options,
            )(request, **kwargs)

        guarded = answer_outages(self.admin_view(view))
        # AdminSite.get_urls() sets these on its own views, for LoginRequiredMiddleware.
        guarded.admin_site = self
        guarded.login_url = reverse_lazy("admin:login", current_app=self.name)
        return guarded


class OTPAdminSite(OTPAdminSiteMixin, AdminSite):
    """Django's admin site, with a one-time code in place of a password."""


def _require_password(request: HttpRequest) -> None:
    """
    Refuse the page to users of a model without passwords.

    Raises:
        Http404: the user can't have a password.
    """
    user: Any = request.user
    try:
        user._meta.get_field("password")
    except FieldDoesNotExist:
        if not user.has_usable_password():
            raise Http404("This account has no password.") from None
