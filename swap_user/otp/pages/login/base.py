"""What the pages of a login have in common: who may enter, where they lead, and an outage."""

import time
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import RedirectURLMixin
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import resolve_url
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic.edit import FormView

from swap_user.otp.delivery.request import send_code
from swap_user.otp.pages.login import unavailable as outage
from swap_user.otp.pages.login.forms import CodeForm, UsernameForm
from swap_user.otp.pages.login.unavailable import RETRY_AFTER
from swap_user.otp.sessions import code_request, reauthentication
from swap_user.otp.sessions.code_request import CodeRequest


@method_decorator(
    [
        outage.answer_outages,
        never_cache,
        login_not_required,
        sensitive_post_parameters(),
        csrf_protect,
    ],
    name="dispatch",
)
class StepView(RedirectURLMixin, FormView):  # type: ignore[type-arg]
    """
    What the steps share.

    Args:
        template_name: the page; it may include what lies in ``swap_user/includes/``.
        login_url: name or path of the first step.
        check_url: name or path of the second.
        resend_url: name or path of the resend.
        next_page: where a login leads when ``next`` names nothing on this host.
        extra_context: for the template.
        permits: called with a user, says whether they may enter here.
    """

    http_method_names = ["get", "head", "post", "options"]
    login_url = "login"
    check_url = "check-otp"
    resend_url = "resend-otp"

    asked: CodeRequest | None

    def permits(self, user: AbstractBaseUser | AnonymousUser) -> bool:
        """Say whether ``user`` may enter; here, anybody who is logged in."""
        return user.is_authenticated

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Refuse text that no page could show again, and see what this session asked for."""
        require_unicode(request.POST)
        self.asked = code_request.load(request.session)
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the page, except to those who have no need of it."""
        if self.has_entered():
            return HttpResponseRedirect(self.get_success_url())
        return super().get(request, *args, **kwargs)

    def has_entered(self) -> bool:
        """Say whether the visitor is logged in, and nothing asks them to log in once more."""
        if reauthentication.is_demanded(self.request):
            return False
        return self.permits(self.request.user)

    def get_default_redirect_url(self) -> str:
        """Return where a login leads."""
        return resolve_url(self.next_page or settings.LOGIN_REDIRECT_URL)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return what the template gets: the form, the steps' addresses, and ``next``."""
        return super().get_context_data(
            **{
                self.redirect_field_name: self.get_redirect_url(),
                "login_url": resolve_url(self.login_url),
                "check_url": resolve_url(self.check_url),
                "resend_url": resolve_url(self.resend_url),
                "start_over_url": self.with_next(self.login_url),
                "logs_in_again": reauthentication.is_demanded(self.request),
                **kwargs,
            }
        )

    def send(self, username: str) -> None:
        """
        Send a code and remember for whom.

        Raises:
            LoginUnavailable: Redis can't be reached.
        """
        now = time.time()
        send_code(self.request, username)
        code_request.save(self.request.session, username, now=now)

    def step(self, url: str) -> HttpResponseRedirect:
        """Go to another step."""
        return HttpResponseRedirect(self.with_next(url))

    def with_next(self, url: str) -> str:
        """Return the address of a step, with ``next`` if that stays on this host (R38)."""
        path, next_url = resolve_url(url), self.get_redirect_url()
        if not next_url:
            return path
        return f"{path}?{urlencode({self.redirect_field_name: next_url}, safe='/')}"

    def unavailable(self, form: UsernameForm | CodeForm) -> HttpResponse:
        """Say on the same page that nobody can log in right now."""
        context = self.get_context_data(form=form, unavailable=True)
        headers = {"Retry-After": str(RETRY_AFTER)}
        return self.render_to_response(context, status=503, headers=headers)


def require_unicode(data: QueryDict) -> None:
    """
    Refuse lone surrogates, which a request can smuggle in by naming an odd charset.

    Raises:
        BadRequest: there are some; Django answers with status 400.
    """
    try:
        for key, values in data.lists():
            "".join([key, *values]).encode()
    except UnicodeEncodeError:
        raise BadRequest("The form holds text that is not Unicode.") from None
