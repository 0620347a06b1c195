"""
The pages of a login by code: who, then the code, and another code if need be.

They know nothing of the admin. It passes them its templates, its context and who may enter, and a
project's own pages do the same in a subclass or through ``as_view()``.
"""

import time
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate, login
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import RedirectURLMixin
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import resolve_url
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.generic.edit import FormView

from swap_user.otp import (
    code_request,
    flow,
    policies,
    progress,
    reauthentication,
    recovery,
    store,
    verifier,
)
from swap_user.otp.code_request import CodeRequest
from swap_user.otp.delivery import send_code
from swap_user.otp.exceptions import AnotherCodeNeeded, LoginUnavailable
from swap_user.otp.forms import CodeForm, UsernameForm

# What a client is told when Redis is away, in seconds: most restarts and failovers take less.
RETRY_AFTER = 30


@method_decorator(
    [never_cache, login_not_required, sensitive_post_parameters(), csrf_protect], name="dispatch"
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
        _require_unicode(request.POST)
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


class UsernameView(StepView):
    """
    The first step: who wants to log in. A code is sent, whether there is an account or not.

    Where the policy asks for a password too, it is sent only after the right one.
    """

    form_class = UsernameForm
    # One sentence for every reason, likewise.
    invalid_password_message = gettext_lazy(
        "That did not work: the name or the password is wrong, "
        "or the account may have no access here."
    )

    def get_initial(self) -> dict[str, Any]:
        """Fill the name in for somebody who has to log in once more."""
        initial = super().get_initial()
        if reauthentication.is_demanded(self.request):
            initial["username"] = self.request.user.get_username()
        return initial

    def form_valid(self, form: UsernameForm) -> HttpResponse:
        """Send the code and go on; asked again at once, go on with the code that was sent."""
        username = form.cleaned_data["username"]
        just_sent = self.was_just_sent(username)
        try:
            if not just_sent:
                self.begin_anew(username)
            if "password" in form.fields and not self.check_password(
                username, form.cleaned_data["password"]
            ):
                form.add_error(None, self.invalid_password_message)
                return self.form_invalid(form)
            if not just_sent:
                self.send(username)
        except LoginUnavailable:
            return self.unavailable(form)
        return self.step(self.check_url)

    def begin_anew(self, username: str) -> None:
        """Forget the first half of an earlier login: what is sent now counts as a first code."""
        if current := flow.current(self.request):
            progress.forget(store.account_key(username), current)

    @sensitive_variables("password")
    def check_password(self, username: str, password: str) -> bool:
        """
        Say whether the password is right and its user may enter; nobody is logged in by it.

        Raises:
            LoginUnavailable: Redis can't be reached.
        """
        user = authenticate(self.request, username=username, password=password)
        if user is None or not self.permits(user):
            return False
        verifier.note_password(user, self.request)
        return True

    def was_just_sent(self, username: str) -> bool:
        """Say whether this is a double click or the back button."""
        asked = self.asked
        return bool(asked and asked.username == username and asked.resend_in(time.time()))


class CodeView(StepView):
    """
    The second step: the code. For whom is known from the session, never from the form.

    Where the policy asks for two codes, the other is asked for on the same page.
    """

    form_class = CodeForm
    # One sentence for every reason: it must not tell which it was.
    invalid_code_message = gettext_lazy(
        "That code did not work. It may be mistyped, already used or expired."
    )

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the page to those who have asked for a code."""
        if self.asked is None and not self.has_entered():
            return self.step(self.login_url)
        return super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Check the code, if one was asked for."""
        if self.asked is None:
            return self.step(self.login_url)
        return super().post(request, *args, **kwargs)

    @property
    def username(self) -> str:
        """For whom the code was asked for."""
        return self.asked.username if self.asked else ""

    def get_form_kwargs(self) -> dict[str, Any]:
        """Let the form say where the code went, or which code comes next."""
        return {**super().get_form_kwargs(), **self.get_words()}

    def get_words(self) -> dict[str, Any]:
        """Return what the form's words depend on."""
        return {"receiver": self.username, "wanted": self.asked.wanted if self.asked else ()}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add how long the code lives, and when another may be asked for."""
        now = time.time()
        expires_in = self.asked.expires_in(now) if self.asked else 0
        resend_in = self.asked.resend_in(now) if self.asked else 0
        return super().get_context_data(
            **{
                "expires_in": expires_in,
                "expires_in_words": in_words(expires_in),
                "resend_in": resend_in,
                "resend_in_words": in_words(resend_in),
                "takes_sent_code": self.takes_sent_code(),
                **kwargs,
            }
        )

    def takes_sent_code(self) -> bool:
        """Say whether a sent code can be what is asked for now."""
        wanted = self.asked.wanted if self.asked else ()
        return not wanted or policies.SENT in wanted

    @sensitive_variables("otp")
    def form_valid(self, form: CodeForm) -> HttpResponse:
        """Log in, ask for the other code, or say that the code did not work."""
        otp = form.cleaned_data["otp"]
        try:
            user = authenticate(self.request, username=self.username, otp=otp)
        except LoginUnavailable:
            form.keep_code()
            return self.unavailable(form)
        except AnotherCodeNeeded as needed:
            return self.ask_for_another(needed)
        if user is None or not self.permits(user):
            form.add_error("otp", self.invalid_code_message)
            return self.form_invalid(form)
        self.log_in(user)
        if recovery.normalize(otp):
            self.tell_remaining(user)
        return HttpResponseRedirect(self.get_success_url())

    def ask_for_another(self, needed: AnotherCodeNeeded) -> HttpResponse:
        """Show the page again and say what comes next; the first code was right."""
        if self.asked is None or any(policies.PASSWORD in group for group in needed.missing):
            # Only the first page asks for it. It was given there, but too long ago.
            text = _("That took too long. Please begin again.")
            messages.warning(self.request, text, fail_silently=True)
            return self.step(self.login_url)
        self.asked = code_request.want(self.request.session, self.asked, needed.missing[0])
        form = self.form_class(**self.get_words())
        form.praise()
        return self.render_to_response(self.get_context_data(form=form))

    def log_in(self, user: Any) -> None:
        """Log ``user`` in, in a session with a new key (R35)."""
        session = self.request.session
        code_request.clear(session)
        reauthentication.settle(session)
        key = session.session_key
        login(self.request, user)
        if session.session_key == key:
            session.cycle_key()

    def tell_remaining(self, user: Any) -> None:
        """Say how many recovery codes are left, after a login by one."""
        left = recovery.remaining(user)
        text = ngettext(
            "You used a recovery code. %(left)d is left.",
            "You used a recovery code. %(left)d are left.",
            left,
        )
        messages.warning(self.request, text % {"left": left}, fail_silently=True)


class ResendView(CodeView):
    """Another code for the same account; it takes the place of the one before."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Send it, or say when to come back."""
        if self.asked is None:
            return self.step(self.login_url)
        if wait := self.asked.resend_in(time.time()):
            text = _("You can ask for another code in %(time)s.") % {"time": in_words(wait)}
            messages.warning(request, text, fail_silently=True)
            return self.step(self.check_url)
        try:
            self.send(self.username)
        except LoginUnavailable:
            return self.unavailable(self.form_class(**self.get_words()))
        text = _("A new code is on its way. The one before no longer works.")
        messages.success(request, text, fail_silently=True)
        return self.step(self.check_url)


def in_words(seconds: int) -> str:
    """Return a span of time as one says it: whole minutes from two on, else seconds."""
    if seconds >= 120 or seconds == 60:
        minutes = seconds // 60
        return ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}
    return ngettext("%(n)d second", "%(n)d seconds", seconds) % {"n": seconds}


def _require_unicode(data: QueryDict) -> None:
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
