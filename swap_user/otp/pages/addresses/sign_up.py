"""The page on which visitors create an account, which is made when their address is confirmed."""

import time
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth import login
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables

from swap_user.conf import swap_user_settings
from swap_user.otp.accounts import confirmation, new_user
from swap_user.otp.accounts.address_claim import SIGN_UP as PURPOSE
from swap_user.otp.accounts.address_claim import AddressClaim
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.pages.addresses.forms import ConfirmAddressForm, SignUpForm
from swap_user.otp.pages.login.base import StepView
from swap_user.otp.pages.login.text import in_words, limit_in_words, times_of
from swap_user.otp.pages.login.unavailable import RETRY_AFTER
from swap_user.otp.throttling.guesses import ReachedLimit
from swap_user.otp.verification import outcomes
from swap_user.otp.visitors import code_request, flow
from swap_user.otp.visitors.code_request import SIGN_UP_KEY, CodeRequest
from swap_user.users import lookup

# What the visitor has entered, in the session.
_ENTERED = "_swap_user_sign_up"

MOST_ENTERED = 2000
"""
The largest number of characters that the session keeps of a form.

Anyone can fill in the form, and a session in a cookie has 4,096 bytes in all.
"""


class SignUpView(StepView):
    """
    Ask for the address and what else the form asks for, and then for the code.

    The first answer is the same whether or not there is an account (R32). Then its owner gets a
    message that says so.
    """

    form_class = ConfirmAddressForm
    invalid_code_message = gettext_lazy("That code did not work. Check it, or ask for a new one.")

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Answer only if the project has switched it on."""
        if not swap_user_settings.OTP_SIGN_UP:
            raise Http404("OTP_SIGN_UP is not set.")
        super().setup(request, *args, **kwargs)

    def load_request(self) -> CodeRequest | None:
        """Return the code request of this session for a sign-up, while it can be confirmed."""
        asked = code_request.load(self.request.session, SIGN_UP_KEY)
        return asked if asked and asked.expires_in(time.time()) else None

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask for the code that was sent, or for the address."""
        if self.is_logged_in():
            return self.redirect_to_next()
        if self.asked is None or "new" in request.GET:
            return self.show(sign_up_form()(initial=self.entered().dict()))
        return self.show_code(self.asked)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Send a code to the address in the form, check a code, or send another one."""
        if self.is_logged_in():
            return self.redirect_to_next()
        if "username" in request.POST:
            return self.send(sign_up_form()(request.POST))
        if self.asked is None:
            text = _("That took too long. Please begin again.")
            messages.warning(request, text, fail_silently=True)
            return self.redirect_to_step(self.check_url)
        if "otp" in request.POST:
            return self.check(self.asked)
        return self.send_again(self.asked)

    def send(self, form: SignUpForm) -> HttpResponse:
        """Send a code to the address in the form. A second press sends no second one."""
        if not form.is_valid():
            return self.show(form)
        entered = self.values(form)
        if sum(len("".join([name, *texts])) for name, texts in entered.items()) > MOST_ENTERED:
            form.add_error(None, _("What you entered is too long."))
            return self.show(form)
        address, now = form.cleaned_data["username"], time.time()
        asked = self.asked
        if not (asked and asked.username == address and asked.resend_in(now)):
            try:
                confirmation.ask(self.request, AddressClaim(PURPOSE, address))
            except LoginUnavailable:
                return self.show(form, unavailable=True)
            code_request.save(self.request.session, address, now=now, key=SIGN_UP_KEY)
        self.request.session[_ENTERED] = entered
        return self.redirect_to_step(self.check_url)

    def values(self, form: SignUpForm) -> dict[str, list[str]]:
        """Return what the visitor has entered in the fields of the form."""
        # Widgets with several inputs add something to the name of their field.
        prefixes = tuple(f"{name}_" for name in form.fields)
        data = self.request.POST
        values = {
            name: data.getlist(name)
            for name in data
            if name in form.fields or name.startswith(prefixes)
        }
        return {**values, "username": [form.cleaned_data["username"]]}

    def send_again(self, asked: CodeRequest) -> HttpResponse:
        """Send another message, or say how long to wait."""
        now = time.time()
        if wait := asked.resend_in(now):
            text = _("You can ask for another code in %(time)s.") % {"time": in_words(wait)}
            messages.warning(self.request, text, fail_silently=True)
            return self.redirect_to_step(self.check_url)
        try:
            confirmation.ask(self.request, AddressClaim(PURPOSE, asked.username))
        except LoginUnavailable:
            return self.show_code(asked, unavailable=True)
        code_request.save(self.request.session, asked.username, now=now, key=SIGN_UP_KEY)
        text = _("A new message is on its way. Use any code that has reached you.")
        messages.success(self.request, text, fail_silently=True)
        return self.redirect_to_step(self.check_url)

    @sensitive_variables("otp")
    def check(self, asked: CodeRequest) -> HttpResponse:
        """Create the account if the code is right, and log the user in."""
        form = ConfirmAddressForm(self.request.POST, receiver=asked.username)
        if not form.is_valid():
            return self.show_code(asked, form)
        otp = form.cleaned_data["otp"]
        try:
            claim = AddressClaim(PURPOSE, asked.username)
            result = confirmation.confirm(self.request, claim, otp)
        except LoginUnavailable:
            form.keep_code()
            return self.show_code(asked, form, unavailable=True)
        if result is True:
            return self.create(asked)
        message = self.invalid_code_message
        form.add_error(
            "otp", limit_in_words(result) if isinstance(result, ReachedLimit) else message
        )
        return self.show_code(asked, form)

    def create(self, asked: CodeRequest) -> HttpResponse:
        """Create the account, and log the user in."""
        form = sign_up_form()(self.entered())
        code_request.clear(self.request.session, SIGN_UP_KEY)
        if not form.is_valid() or form.cleaned_data["username"] != asked.username:
            return self.show(form)
        try:
            user = new_user.create(form.create_user, form.model_field, asked.username)
        except ValidationError as error:
            form.add_error(None, error.messages)
            return self.show(form)
        except IntegrityError:
            user = None
        self.request.session.pop(_ENTERED, None)
        if user is None:
            text = _("There is an account with this address already. Log in with a code.")
            messages.warning(self.request, text, fail_silently=True)
            return self.redirect_to_step(self.login_url)
        is_active = lookup.is_active(user) and self.permits(user)
        if not (is_active and new_user.may_log_in(user)):
            text = _("Your account was created. You can log in when it is activated.")
            if is_active:  # the policy asks for more than this code
                text = _("Your account was created. Please log in.")
            messages.success(self.request, text, fail_silently=True)
            return self.redirect_to_step(self.login_url)
        flow.replace(self.request.session)
        new_user.note_code(self.request, user)
        login(self.request, user, backend=new_user.backend_path())
        response = self.redirect_to_next()
        outcomes.remember_browser(self.request, response)
        return response

    def entered(self) -> QueryDict:
        """Return what the visitor has entered in the first step."""
        data = QueryDict(mutable=True)
        match self.request.session.get(_ENTERED):
            case dict(entered):
                for name, values in entered.items():
                    data.setlist(name, [str(value) for value in values])
        return data

    def show(self, form: SignUpForm, *, unavailable: bool = False) -> HttpResponse:
        """Show the page that asks for the address."""
        form.set_focus()
        return self.answer(unavailable=unavailable, form=form)

    def show_code(
        self,
        asked: CodeRequest,
        form: ConfirmAddressForm | None = None,
        *,
        unavailable: bool = False,
    ) -> HttpResponse:
        """Show the page that asks for the code."""
        return self.answer(
            form=form or ConfirmAddressForm(receiver=asked.username),
            is_asked=True,
            **times_of(asked, time.time()),
            unavailable=unavailable,
        )

    def answer(self, *, unavailable: bool, **context: Any) -> HttpResponse:
        """Show the page, with status 503 if Redis can't be reached."""
        context = self.get_context_data(unavailable=unavailable, **context)
        if "is_asked" in context:
            context["title"] = _("Confirm your address")
        status, headers = (503, {"Retry-After": str(RETRY_AFTER)}) if unavailable else (200, None)
        return self.render_to_response(context, status=status, headers=headers)


def sign_up_form() -> type[SignUpForm]:
    """
    Return the class of the form: that in OTP_SIGN_UP, or that of this package.

    Raises:
        ImportError: the class can't be imported.
    """
    named = swap_user_settings.OTP_SIGN_UP
    return cast("type[SignUpForm]", import_string(named)) if isinstance(named, str) else SignUpForm
