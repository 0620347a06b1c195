"""The page on which visitors create an account, which is made when their address is confirmed."""

import time
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from swap_user.conf import swap_user_settings
from swap_user.otp.accounts import new_user
from swap_user.otp.accounts.address_claim import AddressClaim
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.pages.addresses import sign_up_steps as steps
from swap_user.otp.pages.addresses.confirming import ConfirmingMixin
from swap_user.otp.pages.addresses.sign_up_form import SignUpForm, load_form
from swap_user.otp.pages.login.base import StepView
from swap_user.otp.verification import outcomes
from swap_user.otp.visitors import entered
from swap_user.otp.visitors.code_request import SIGN_UP_KEY, CodeRequest
from swap_user.users import lookup


class SignUpView(ConfirmingMixin, StepView):
    """
    Ask for the address and what else the form asks for, and then for the code.

    If there is an account with the address, its owner gets a message that says so.
    """

    code_title = gettext_lazy("Confirm your address")
    request_key = SIGN_UP_KEY

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Answer only if the project has switched it on."""
        if not swap_user_settings.OTP_SIGN_UP:
            raise Http404("OTP_SIGN_UP is not set.")
        super().setup(request, *args, **kwargs)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Redirect a user who is logged in, and who needs no account."""
        if self.is_logged_in():
            return self.redirect_to_next()
        return super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Redirect a user who is logged in, and who needs no account."""
        if self.is_logged_in():
            return self.redirect_to_next()
        return super().post(request, *args, **kwargs)

    def address_form(self, data: QueryDict | None = None) -> SignUpForm:
        """Return the form. What was entered for an expired code is filled in for the last time."""
        filled_in = steps.filled_in(self.request.session)
        entered.forget_expired(self.request.session, time.time())
        return load_form()(initial=filled_in.dict()) if data is None else load_form()(data)

    def claim(self, address: str) -> AddressClaim:
        """Return what the visitor says about an address."""
        return steps.claim_of(address)

    def redirect_here(self) -> HttpResponseRedirect:
        """Redirect to this page."""
        return self.redirect_to_step(self.check_url)

    def send(self, form: Any, asked: CodeRequest | None) -> HttpResponse:
        """Keep what was entered, and send a code. If the address is confirmed, it needs none."""
        values = steps.values_of(form, self.request.POST)
        if entered.is_too_long(values):
            form.add_error(None, _("What you entered is too long."))
            return self.show(form)
        entered.save(self.request.session, values)
        if asked and asked.is_confirmed and asked.username == form.cleaned_data["username"]:
            try:
                may_try = steps.may_try(self.request, asked.username)
            except LoginUnavailable:
                return self.show(form, unavailable=True)
            if may_try:
                return self.create(form, asked)
        return super().send(form, asked)

    def confirmed(self, asked: CodeRequest) -> HttpResponse:
        """Create the account with what was entered in the first step."""
        return self.create(load_form()(steps.filled_in(self.request.session)), asked)

    def create(self, form: SignUpForm, asked: CodeRequest) -> HttpResponse:
        """Create the account, or show the form, whose correction needs no other code."""
        try:
            user = steps.create(self.request, form, asked)
        except steps.NotCreated:
            return self.show(form)
        except LoginUnavailable:
            return self.show(form, unavailable=True)
        return self.created(user)

    def created(self, user: Any) -> HttpResponse:
        """Log the new user in. It is None if there was an account with the address."""
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
        steps.log_in(self.request, user)
        response = self.redirect_to_next()
        outcomes.remember_browser(self.request, response)
        return response

    def show(self, form: Any, *, unavailable: bool = False) -> HttpResponse:
        """Show the page that asks for the address. If that is confirmed, no code will be sent."""
        asked = self.load_request()
        if asked and asked.is_confirmed:
            form.fields["username"].help_text = ""
        form.set_focus()
        return super().show(form, unavailable=unavailable)
