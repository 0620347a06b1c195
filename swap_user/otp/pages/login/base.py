"""The base view of the steps of a login: permission, redirects, and the response in an outage."""

import time
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import RedirectURLMixin
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import resolve_url
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic.edit import FormView

from swap_user.otp.masked import Masked
from swap_user.otp.pages.login.forms import CodeForm, UsernameForm
from swap_user.otp.pages.login.saved_session import save_session
from swap_user.otp.pages.login.text import factors_in_words
from swap_user.otp.pages.login.unavailable import RETRY_AFTER, answer_outages
from swap_user.otp.sessions import proof, reauthentication
from swap_user.otp.visitors import code_request, entered
from swap_user.otp.visitors.code_request import CodeRequest

MASKED_FIELDS = ("otp", "password")


@method_decorator(
    [
        answer_outages,
        never_cache,
        login_not_required,
        sensitive_post_parameters(),
        csrf_protect,
    ],
    name="dispatch",
)
class StepView(RedirectURLMixin, FormView):  # type: ignore[type-arg]
    """
    A step of a login.

    Args:
        template_name: template of the page, which can include those of ``swap_user/includes/``.
        login_url: URL name or path of the first step.
        check_url: URL name or path of the second step.
        resend_url: URL name or path of the view that sends another code.
        next_page: URL name or path to redirect to after the login, if ``next`` is missing or
            points to another host.
        redirect_field_name: name of the field ``next``.
        extra_context: more variables for the template.
        permits: a function that takes a user and returns whether they may log in here.
        requires_proof: whether a user who is logged in must log in here as well, if the session has
            not shown the factors that the policy requires.
    """

    http_method_names = ["get", "head", "post", "options"]
    login_url = "login"
    check_url = "check-otp"
    resend_url = "resend-otp"
    requires_proof = False

    asked: CodeRequest | None
    """The last code request of this session, or None."""

    def permits(self, user: AbstractBaseUser | AnonymousUser) -> bool:
        """Return whether ``user`` may log in here. By default, every user may."""
        return user.is_authenticated

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Mask typed codes, refuse lone surrogates, and load the code request of this session."""
        mask_fields(request)
        require_unicode(request.POST)
        self.asked = self.load_request()
        response = super().dispatch(request, *args, **kwargs)
        if isinstance(response, TemplateResponse):
            response.add_post_render_callback(self.save_session)
            return response
        return self.save_session(response)

    def load_request(self) -> CodeRequest | None:
        """Return the last code request of this session, or None. Forget an expired sign-up."""
        entered.forget_expired(self.request.session, time.time())
        return code_request.load(self.request.session)

    def save_session(self, response: HttpResponseBase) -> HttpResponseBase:
        """
        Save the session, and return the response to send.

        If another request has deleted the session meanwhile, redirect to the first step. Usually
        that request is the login of the first of two presses.
        """
        if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or save_session(self.request):
            return response
        self.request.session = type(self.request.session)()
        return self.redirect_to_start()

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the page, or redirect a user who is logged in."""
        if self.is_logged_in():
            return self.redirect_to_next()
        return super().get(request, *args, **kwargs)

    def is_logged_in(self) -> bool:
        """Return whether the user is logged in, has permission and need not log in again."""
        return self.permits(self.request.user) and not self.must_log_in_again()

    def must_log_in_again(self) -> bool:
        """Return whether the user is logged in, and has to log in here once more."""
        return reauthentication.is_demanded(self.request) or self.lacks_proof()

    def lacks_proof(self) -> bool:
        """Return whether the user may log in here, but the session has not shown enough factors."""
        user = self.request.user
        return (
            self.requires_proof
            and user.is_authenticated
            and self.permits(user)
            and not proof.is_sufficient(self.request)
        )

    def get_default_redirect_url(self) -> str:
        """Return the URL to redirect to after the login, if there is no ``next``."""
        return resolve_url(self.next_page or settings.LOGIN_REDIRECT_URL)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the variables of the template: the form, the URLs of the steps, and ``next``."""
        context = super().get_context_data(
            **{
                self.redirect_field_name: self.get_redirect_url(),
                "redirect_field_name": self.redirect_field_name,
                "login_url": resolve_url(self.login_url),
                "check_url": resolve_url(self.check_url),
                "resend_url": resolve_url(self.resend_url),
                "start_over_url": self.with_next(self.login_url),
                "logs_in_again": self.must_log_in_again(),
                "missing_factors": self.name_missing_factors(),
                **kwargs,
            }
        )
        # ``extra_context`` may contain another URL than the request.
        return {"redirect_url": context[self.redirect_field_name], **context}

    def name_missing_factors(self) -> str:
        """Return in words what the session of a user who is logged in lacks, or ""."""
        return factors_in_words(proof.missing(self.request)) if self.lacks_proof() else ""

    def redirect_to_next(self) -> HttpResponseRedirect:
        """Redirect to the page after the login."""
        return HttpResponseRedirect(self.get_success_url())

    def redirect_to_step(self, url: str) -> HttpResponseRedirect:
        """Redirect to another step, with ``next``."""
        return HttpResponseRedirect(self.with_next(url))

    def redirect_to_start(self) -> HttpResponseRedirect:
        """
        Redirect to the first step with a message, because this session knows of no code request.

        Usually the login button was pressed again while the first answer was on its way: the code
        is used, and the session has a new key, which the browser did not get.
        """
        # What the view has said before is not true any more.
        list(messages.get_messages(self.request))
        text = _(
            "This login has ended: its code was already used, or it was open for too long. Ask for "
            "a new code to log in."
        )
        messages.warning(self.request, text, fail_silently=True)
        return self.redirect_to_step(self.login_url)

    def with_next(self, url: str) -> str:
        """Return the URL of a step, with ``next`` if that is a URL of this host (R38)."""
        path, next_url = resolve_url(url), self.get_redirect_url()
        if not next_url:
            return path
        return f"{path}?{urlencode({self.redirect_field_name: next_url}, safe='/')}"

    def render_unavailable(self, form: UsernameForm | CodeForm) -> HttpResponse:
        """Show the form again, with status 503 and a note to try again in a minute."""
        context = self.get_context_data(form=form, unavailable=True)
        headers = {"Retry-After": str(RETRY_AFTER)}
        return self.render_to_response(context, status=503, headers=headers)


def mask_fields(request: HttpRequest) -> None:
    """Mask the codes and passwords in a form, so that no traceback shows them (R54)."""
    fields = [name for name in MASKED_FIELDS if name in request.POST]
    if not fields:
        return
    post = request.POST.copy()
    for name in fields:
        post.setlist(name, list(map(Masked, post.getlist(name))))
    post._mutable = False
    request.POST = cast(Any, post)


def require_unicode(data: QueryDict) -> None:
    """
    Refuse lone surrogates, which a request in an unusual charset can contain.

    Args:
        data: the fields of a form.

    Raises:
        BadRequest: a name or a value has lone surrogates. Django answers with status 400.
    """
    try:
        for key, values in data.lists():
            "".join([key, *values]).encode()
    except UnicodeEncodeError:
        raise BadRequest("The form contains text that is not valid Unicode.") from None
