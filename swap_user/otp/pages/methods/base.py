"""What the pages share: a login, a recent one where something is changed, and no copies kept."""

from typing import Any

import django
from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import redirect_to_login
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
from swap_user.otp.pages.login import unavailable as outage
from swap_user.otp.pages.login.base import require_unicode
from swap_user.otp.pages.login.unavailable import RETRY_AFTER
from swap_user.otp.pages.methods.names import ADD, OVERVIEW, RECOVERY_CODES
from swap_user.otp.sessions import reauthentication
from swap_user.otp.sessions.sessions import end_sessions, is_fresh


@method_decorator(
    [outage.answer_outages, never_cache, sensitive_post_parameters(), csrf_protect], name="dispatch"
)
class MethodsView(LoginRequiredMixin, TemplateView):
    """
    A page about the sign-in methods of whoever is logged in.

    Args:
        template_name: the page.
        login_url: name or path of the first step of a login.
        namespace: of the addresses, with its colon: "admin:"; "" for none.
        current_app: which instance of that namespace.
        extra_context: for the template.
    """

    http_method_names = ["get", "head", "post", "options"]
    title: Any = ""
    login_url = "login"
    namespace = ""
    current_app: str | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Refuse text that no page could show again."""
        require_unicode(request.POST)
        return super().dispatch(request, *args, **kwargs)

    @property
    def user(self) -> Any:
        """Whose sign-in methods these are."""
        return self.request.user

    def authenticators(self) -> Any:
        """Return what the user enrolled, the oldest first."""
        return enrolled(self.user).order_by("created_at", "pk")

    def link(self, name: str, *args: Any) -> str:
        """Return the address of one of the pages."""
        return reverse(f"{self.namespace}{name}", args=args, current_app=self.current_app)

    def go(self, name: str) -> HttpResponseRedirect:
        """Go to another of the pages."""
        return HttpResponseRedirect(self.link(name))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return what the template gets: the title, and the addresses of the pages."""
        return super().get_context_data(
            **{
                "title": self.title,
                "subtitle": None,
                # The admin's own are a list from 6.1 on.
                "breadcrumbs_are_list": django.VERSION >= (6, 1),
                "overview_url": self.link(OVERVIEW),
                "add_url": self.link(ADD),
                "recovery_codes_url": self.link(RECOVERY_CODES),
                **kwargs,
            }
        )


@method_decorator([outage.answer_outages, never_cache], name="dispatch")
class ChangingView(MethodsView):
    """A page that changes something, which takes a recent login (R37)."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Send those whose login is too old to log in once more, and back here."""
        if request.user.is_authenticated and not is_fresh(request):
            return log_in_again(request, self.login_url)
        return super().dispatch(request, *args, **kwargs)

    def end_other_sessions(self) -> None:
        """End the user's sessions in other browsers (R36)."""
        end_sessions(self.user, keep=self.request)

    def say(self, text: str) -> None:
        """Say on the next page what was done."""
        messages.success(self.request, text, fail_silently=True)

    def unavailable(self, **context: Any) -> HttpResponse:
        """Say on the same page that nothing can be checked right now."""
        context = self.get_context_data(unavailable=True, **context)
        headers = {"Retry-After": str(RETRY_AFTER)}
        return self.render_to_response(context, status=503, headers=headers)


def log_in_again(request: HttpRequest, login_url: str) -> HttpResponseRedirect:
    """
    Send somebody who is logged in to log in once more, and then back to this page.

    Args:
        request: theirs.
        login_url: name or path of the first step.
    """
    reauthentication.demand(request.session)
    text = _("To change how accounts log in, please log in once more: your login was a while ago.")
    messages.warning(request, text, fail_silently=True)
    return redirect_to_login(request.get_full_path(), resolve_url(login_url))
