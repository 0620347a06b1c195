"""
The pages of a login by code: who, then the code, and another code if need be.

They know nothing of the admin. It passes them its templates, its context and who may enter, and a
project's own pages do the same in a subclass or through ``as_view()``.
"""

import time
from typing import Any

from django.contrib import messages
from django.contrib.auth import authenticate, login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.debug import sensitive_variables

from swap_user.otp import policies
from swap_user.otp.authenticators import recovery_codes
from swap_user.otp.challenges import factors_shown
from swap_user.otp.exceptions import AnotherCodeNeeded, LoginUnavailable
from swap_user.otp.pages.login.base import StepView
from swap_user.otp.pages.login.forms import CodeForm, UsernameForm
from swap_user.otp.pages.login.text import in_words, limit_in_words
from swap_user.otp.sessions import code_request, reauthentication
from swap_user.otp.store import keys
from swap_user.otp.verification import outcomes, verifier
from swap_user.otp.visitors import flow


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
            factors_shown.forget(keys.account_key(username), current)

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
            limit = outcomes.limited(self.request)
            message = limit_in_words(limit) if limit else self.invalid_code_message
            form.add_error("otp", message)
            return self.form_invalid(form)
        self.log_in(user)
        if recovery_codes.normalize(otp):
            self.tell_remaining(user)
        response = HttpResponseRedirect(self.get_success_url())
        outcomes.remember_browser(self.request, response)
        return response

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
        left = recovery_codes.remaining_recovery_codes(user)
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
        text = _("A new code is on its way. Use the newest one that has reached you.")
        messages.success(request, text, fail_silently=True)
        return self.step(self.check_url)
