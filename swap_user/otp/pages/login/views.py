"""
The views of a login with a code: for the username, for the code, and for another code.

They do not depend on the admin site, which passes its templates, its context and its permission to
``as_view()``. A project does the same for its own pages, or defines a subclass.
"""

import time
from typing import Any

from django.contrib import messages
from django.contrib.auth import authenticate, login
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.debug import sensitive_variables

from swap_user.otp import policies
from swap_user.otp.authenticators import recovery_codes
from swap_user.otp.challenges import factors_shown
from swap_user.otp.delivery.request import send_code
from swap_user.otp.exceptions import AnotherCodeNeeded, LoginUnavailable
from swap_user.otp.pages.login.base import StepView
from swap_user.otp.pages.login.forms import CodeForm, UsernameForm
from swap_user.otp.pages.login.text import in_words, limit_in_words, times_of
from swap_user.otp.senders import offered_channels
from swap_user.otp.sessions import reauthentication
from swap_user.otp.store import keys
from swap_user.otp.verification import outcomes, password_step, unchecked
from swap_user.otp.visitors import code_request, flow
from swap_user.otp.visitors.code_request import CodeRequest
from swap_user.users import lookup, usernames


class UsernameView(StepView):
    """
    The first step: the username. A code is requested whether or not there is an account.

    If the policy requires a password too, the code is requested only after the right password.
    """

    form_class = UsernameForm
    # The text is the same for every reason, so that it does not reveal the reason.
    invalid_password_message = gettext_lazy(
        "That did not work: the name or the password is wrong, "
        "or the account may have no access here."
    )

    def get_initial(self) -> dict[str, Any]:
        """Fill in the username of a user who has to log in again."""
        initial = super().get_initial()
        if self.must_log_in_again():
            initial["username"] = usernames.stored(self.request.user)
        return initial

    def form_valid(self, form: UsernameForm) -> HttpResponse:
        """Send a code and redirect to the next step. A repeated request sends no second code."""
        username = form.cleaned_data["username"]
        just_sent = self.was_just_sent(username)
        try:
            if not just_sent:
                self.forget_factors(username)
            if "password" in form.fields and not self.check_password(
                username, form.cleaned_data["password"]
            ):
                form.add_error(None, self.invalid_password_message)
                return self.form_invalid(form)
            if not just_sent:
                send_code(self.request, username)
        except LoginUnavailable:
            return self.render_unavailable(form)
        return self.redirect_to_step(self.check_url)

    def forget_factors(self, username: str) -> None:
        """Delete the factors of an unfinished login, so that the new code is the first factor."""
        if current := flow.current(self.request):
            factors_shown.forget(keys.account_key(lookup.identify(username)), current)

    @sensitive_variables("password")
    def check_password(self, username: str, password: str) -> bool:
        """
        Return whether the password is right and the user may log in here.

        The password is recorded as a factor of this session. It does not log the user in.

        Raises:
            LoginUnavailable: Redis or the database can't be reached.
        """
        return password_step.check_password(self.request, username, password, self.permits)

    def was_just_sent(self, username: str) -> bool:
        """Return whether a code was just sent, for example after a double click."""
        asked = self.asked
        return bool(asked and asked.username == username and asked.resend_in(time.time()))


class CodeView(StepView):
    """
    The second step: the code. The username is taken from the session, never from the form.

    If the policy requires two codes, the second one is asked for on the same page.
    """

    form_class = CodeForm
    # The text is the same for every reason, so that it does not reveal the reason. If strangers
    # have no guess left at the account, it says what the owner can do.
    invalid_code_message = gettext_lazy(
        "That code did not work. Check it, ask for a new one, or use a recovery code."
    )

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the page, or redirect to the first step if no code was requested."""
        if self.asked is None and not self.is_logged_in():
            return self.redirect_to_step(self.login_url)
        return super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Check the code, if one was requested."""
        if self.asked is None:
            return self.answer_unasked()
        return super().post(request, *args, **kwargs)

    def answer_unasked(self) -> HttpResponse:
        """Redirect a visitor whose session knows of no code request."""
        if self.is_logged_in():
            return self.redirect_to_step(self.login_url)
        return self.redirect_to_start()

    @property
    def username(self) -> str:
        """The username that the code was requested for, or an empty string."""
        return self.asked.username if self.asked else ""

    def get_form_kwargs(self) -> dict[str, Any]:
        """Add the arguments that the help text depends on."""
        return {**super().get_form_kwargs(), **self.get_help_kwargs()}

    def get_help_kwargs(self) -> dict[str, Any]:
        """Return the arguments of the form that its help text depends on."""
        return {"receiver": self.username, "wanted": self.asked.wanted if self.asked else ()}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add how long the code works, when another one can be requested, and by which channels."""
        return super().get_context_data(
            **{
                **times_of(self.asked, time.time()),
                "takes_sent_code": self.takes_sent_code(),
                "other_channels": offered_channels()[1:],
                **kwargs,
            }
        )

    def takes_sent_code(self) -> bool:
        """Return whether a sent code is accepted in this step."""
        wanted = self.asked.wanted if self.asked else ()
        return not wanted or policies.SENT in wanted

    @sensitive_variables("otp")
    def form_valid(self, form: CodeForm) -> HttpResponse:
        """Log the user in, ask for a second code, or show that the code did not work."""
        otp = form.cleaned_data["otp"]
        try:
            user = authenticate(self.request, username=self.username, otp=otp)
        except LoginUnavailable:
            form.keep_code()
            return self.render_unavailable(form)
        except AnotherCodeNeeded as needed:
            return self.ask_for_second_code(needed)
        if user is None:
            unchecked.report_unchecked(self.request)
        if user is None or not self.permits(user):
            limit = outcomes.limited(self.request)
            message = limit_in_words(limit) if limit else self.invalid_code_message
            form.add_error("otp", message)
            return self.form_invalid(form)
        self.log_in(user)
        if recovery_codes.normalize(otp):
            self.add_remaining_message(user)
        response = self.redirect_to_next()
        outcomes.remember_browser(self.request, response)
        return response

    def ask_for_second_code(self, needed: AnotherCodeNeeded) -> HttpResponse:
        """Confirm the first code, and show the page again for the second one."""
        if self.asked is None or any(policies.PASSWORD in group for group in needed.missing):
            # Only the first step asks for the password. It was entered there, but too long ago.
            text = _("That took too long. Please begin again.")
            messages.warning(self.request, text, fail_silently=True)
            return self.redirect_to_step(self.login_url)
        self.asked = code_request.want(self.request.session, self.asked, needed.missing[0])
        form = self.form_class(**self.get_help_kwargs())
        form.confirm_first_code()
        return self.render_to_response(self.get_context_data(form=form))

    def send_again(self, asked: CodeRequest) -> HttpResponse:
        """Send the code, or add a message that says how long to wait."""
        if wait := asked.resend_in(time.time()):
            text = _("You can ask for another code in %(time)s.") % {"time": in_words(wait)}
            messages.warning(self.request, text, fail_silently=True)
            return self.redirect_to_step(self.check_url)
        try:
            channel = self.request.POST.get("channel", "")
            send_code(self.request, asked.username, channel=channel)
        except LoginUnavailable:
            return self.render_unavailable(self.form_class(**self.get_help_kwargs()))
        text = _("A new message is on its way. Use any code that has reached you.")
        messages.success(self.request, text, fail_silently=True)
        return self.redirect_to_step(self.check_url)

    def log_in(self, user: Any) -> None:
        """Log ``user`` in. The session gets a new key (R35)."""
        reauthentication.settle(self.request.session)
        login(self.request, user)

    def add_remaining_message(self, user: Any) -> None:
        """Add a message with the number of recovery codes that are left."""
        left = recovery_codes.remaining_recovery_codes(user)
        text = ngettext(
            "You used a recovery code. %(left)d is left.",
            "You used a recovery code. %(left)d are left.",
            left,
        )
        messages.warning(self.request, text % {"left": left}, fail_silently=True)


class ResendView(CodeView):
    """Sends another message for the same username. The codes of both are accepted (R55)."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Send another message, if a code was requested."""
        return self.answer_unasked() if self.asked is None else self.send_again(self.asked)
