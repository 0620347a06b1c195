"""The base views of a user's own pages, which require a login or a recent login."""

from typing import Any

import django
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import RedirectURLMixin, redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import TemplateView

from swap_user.otp.authenticators.secrets import enrolled
from swap_user.otp.pages.login.base import mask_fields, require_unicode
from swap_user.otp.pages.login.unavailable import RETRY_AFTER, answer_outages
from swap_user.otp.pages.methods.names import ADD, OVERVIEW, RECOVERY_CODES, SESSIONS
from swap_user.otp.sessions import reauthentication
from swap_user.otp.sessions.sessions import end_sessions, is_fresh


@method_decorator(
    [answer_outages, never_cache, sensitive_post_parameters(), csrf_protect], name="dispatch"
)
class MethodsView(LoginRequiredMixin, RedirectURLMixin, TemplateView):
    """
    A page for a user who is logged in, about their sign-in methods or sessions.

    Args:
        template_name: template of the page.
        login_url: URL name or path of the first step of a login.
        step_up_url: URL name or path of the page that asks a user who is logged in for a code. If
            None, that is the first step of a login.
        redirect_field_name: name of the field ``next`` of these pages.
        namespace: namespace of the URL names, with a colon ("admin:"), or an empty string.
        current_app: name of the instance of that namespace, see ``reverse()``.
        extra_context: more variables for the template.
    """

    http_method_names = ["get", "head", "post", "options"]
    title: Any = ""
    login_url = "login"
    step_up_url: str | None = None
    namespace = ""
    current_app: str | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Mask typed codes, and refuse lone surrogates."""
        mask_fields(request)
        require_unicode(request.POST)
        return super().dispatch(request, *args, **kwargs)

    @property
    def user(self) -> Any:
        """The user whose sign-in methods the page shows."""
        return self.request.user

    def authenticators(self) -> Any:
        """Return the enrolled authenticators of the user, oldest first."""
        return enrolled(self.user).order_by("created_at", "pk")

    def url_of(self, name: str, *args: Any) -> str:
        """Return the URL of a page by its name."""
        return reverse(f"{self.namespace}{name}", args=args, current_app=self.current_app)

    def redirect_to_page(self, name: str) -> HttpResponseRedirect:
        """Redirect to a page by its name."""
        return HttpResponseRedirect(self.url_of(name))

    def add_message(self, text: str) -> None:
        """Add a message for the next page that says what was done."""
        messages.success(self.request, text, fail_silently=True)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the variables of the template: the title, and the URLs of the pages."""
        return super().get_context_data(
            **{
                "title": self.title,
                "subtitle": None,
                # In the admin, breadcrumbs are a list since Django 6.1.
                "breadcrumbs_are_list": django.VERSION >= (6, 1),
                "overview_url": self.url_of(OVERVIEW),
                "add_url": self.url_of(ADD),
                "recovery_codes_url": self.url_of(RECOVERY_CODES),
                "sessions_url": self.url_of(SESSIONS),
                **kwargs,
            }
        )


@method_decorator([answer_outages, never_cache], name="dispatch")
class ChangingView(MethodsView):
    """A page that changes something, which requires a recent login (R37)."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Redirect a user whose login is not recent to a page for a code, and from there back."""
        if request.user.is_authenticated and not is_fresh(request):
            return self.ask_for_code(request)
        return super().dispatch(request, *args, **kwargs)

    def ask_for_code(self, request: HttpRequest) -> HttpResponseRedirect:
        """Redirect to the page that asks for a code."""
        if self.step_up_url is None:
            return log_in_again(request, self.login_url, self.redirect_field_name)
        reauthentication.demand(request.session)
        path, url = request.get_full_path(), resolve_url(self.step_up_url)
        return redirect_to_login(path, url, self.redirect_field_name)

    def end_other_sessions(self) -> None:
        """End the user's sessions in other browsers (R36)."""
        end_sessions(self.user, keep=self.request)

    def render_unavailable(self, **context: Any) -> HttpResponse:
        """Show the page again, with status 503 and a note that no code can be checked."""
        context = self.get_context_data(unavailable=True, **context)
        headers = {"Retry-After": str(RETRY_AFTER)}
        return self.render_to_response(context, status=503, headers=headers)


def log_in_again(
    request: HttpRequest, login_url: str, redirect_field_name: str = REDIRECT_FIELD_NAME
) -> HttpResponseRedirect:
    """
    Redirect a user who is logged in to the login page, and from there back to this page.

    Args:
        request: the user's request.
        login_url: URL name or path of the first step of a login.
        redirect_field_name: name of the field ``next`` of that step.
    """
    reauthentication.demand(request.session)
    text = _("To change how accounts log in, please log in once more: your login was a while ago.")
    messages.warning(request, text, fail_silently=True)
    return redirect_to_login(request.get_full_path(), resolve_url(login_url), redirect_field_name)
