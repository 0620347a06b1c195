"""The page on which users change the address that codes are sent to (R50)."""

import time
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables

from swap_user.otp.accounts import address_field, confirmation
from swap_user.otp.accounts.address_claim import CHANGE as PURPOSE
from swap_user.otp.accounts.address_claim import AddressClaim
from swap_user.otp.accounts.own_change import change_own_address
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.pages.addresses.forms import AddressForm, ConfirmAddressForm
from swap_user.otp.pages.login.base import require_unicode
from swap_user.otp.pages.login.text import in_words, limit_in_words, times_of
from swap_user.otp.pages.methods.base import ChangingView
from swap_user.otp.pages.methods.names import CHANGE, OVERVIEW
from swap_user.otp.throttling.guesses import ReachedLimit
from swap_user.otp.visitors import code_request, flow
from swap_user.otp.visitors.code_request import ADDRESS_KEY, CodeRequest
from swap_user.users import usernames


class ChangeUsernameView(ChangingView):
    """
    Ask for the new address, and then for the code that was sent there.

    The first answer is the same whether or not another account has the address (R32).
    """

    title = gettext_lazy("Change where codes are sent")
    invalid_code_message = gettext_lazy("That code did not work. Check it, or ask for a new one.")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask for the code that was sent, or for the address."""
        require_unicode(request.GET)
        asked = self.asked()
        if asked is None or "new" in request.GET:
            initial = {"username": request.GET.get("username", "")}
            return self.show(AddressForm(user=self.user, initial=initial))
        return self.show_code(asked)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Send a code to the address in the form, check a code, or send another one."""
        if "username" in request.POST:
            return self.send(request)
        asked = self.asked()
        if asked is None:
            text = _("That took too long. Please begin again.")
            messages.warning(request, text, fail_silently=True)
            return self.redirect_to_page(CHANGE)
        return self.check(asked) if "otp" in request.POST else self.send_again(asked)

    def field(self) -> Any:
        """
        Return the field that holds the address.

        Raises:
            Http404: the sender reads no field of the user.
        """
        field = address_field.address_field(self.user)
        if field is None:
            raise Http404("The address is not stored in the user model.")
        return field

    def asked(self) -> CodeRequest | None:
        """Return the code request of this session for a new address, while it can be confirmed."""
        self.field()
        asked = code_request.load(self.request.session, ADDRESS_KEY)
        return asked if asked and asked.expires_in(time.time()) else None

    def claim(self, address: str) -> AddressClaim:
        """Return what the user says about an address."""
        return AddressClaim(PURPOSE, address, str(self.user.pk))

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send a code to the address in the form. A second press sends no second one."""
        self.field()
        form = AddressForm(request.POST, user=self.user)
        if not form.is_valid():
            return self.show(form)
        address, now = form.cleaned_data["username"], time.time()
        asked = self.asked()
        if not (asked and asked.username == address and asked.resend_in(now)):
            try:
                confirmation.ask(request, self.claim(address))
            except LoginUnavailable:
                return self.render_unavailable(form=form)
            code_request.save(request.session, address, now=now, key=ADDRESS_KEY)
        return self.redirect_to_page(CHANGE)

    def send_again(self, asked: CodeRequest) -> HttpResponse:
        """Send another message, or say how long to wait."""
        if wait := asked.resend_in(time.time()):
            text = _("You can ask for another code in %(time)s.") % {"time": in_words(wait)}
            messages.warning(self.request, text, fail_silently=True)
            return self.redirect_to_page(CHANGE)
        now = time.time()
        try:
            confirmation.ask(self.request, self.claim(asked.username))
        except LoginUnavailable:
            return self.show_code(asked, unavailable=True)
        code_request.save(self.request.session, asked.username, now=now, key=ADDRESS_KEY)
        self.add_message(_("A new message is on its way. Use any code that has reached you."))
        return self.redirect_to_page(CHANGE)

    @sensitive_variables("otp")
    def check(self, asked: CodeRequest) -> HttpResponse:
        """Change the address if the code is right."""
        form = ConfirmAddressForm(self.request.POST, receiver=asked.username)
        if not form.is_valid():
            return self.show_code(asked, form)
        otp = form.cleaned_data["otp"]
        try:
            result = confirmation.confirm(self.request, self.claim(asked.username), otp)
        except LoginUnavailable:
            form.keep_code()
            return self.show_code(asked, form, unavailable=True)
        if result is not True:
            message = self.invalid_code_message
            form.add_error(
                "otp", limit_in_words(result) if isinstance(result, ReachedLimit) else message
            )
            return self.show_code(asked, form)
        code_request.clear(self.request.session, ADDRESS_KEY)
        flow.renew(self.request, flow.new_id())  # after each accepted step (R53)
        if not change_own_address(self.request, self.field(), asked.username):
            taken = AddressForm({"username": asked.username}, user=self.user)
            taken.add_error("username", _("Another account has this address."))
            return self.show(taken)
        address = format_html("<bdi>{}</bdi>", asked.username)
        self.add_message(format_html(_("Codes are now sent to {}."), address))
        return self.redirect_to_page(OVERVIEW)

    def show(self, form: AddressForm) -> HttpResponse:
        """Show the page that asks for the address."""
        return self.render_to_response(self.get_context_data(form=form))

    def show_code(
        self,
        asked: CodeRequest,
        form: ConfirmAddressForm | None = None,
        *,
        unavailable: bool = False,
    ) -> HttpResponse:
        """Show the page that asks for the code."""
        context = {
            "form": form or ConfirmAddressForm(receiver=asked.username),
            "title": _("Confirm your new address"),
            "is_asked": True,
            **times_of(asked, time.time()),
        }
        if unavailable:
            return self.render_unavailable(**context)
        return self.render_to_response(self.get_context_data(**context))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the present address, and the URL of the page."""
        field = self.field()
        return super().get_context_data(
            **{
                "receiver": address_field.stored_address(self.user, field)
                or usernames.stored(self.user),
                "change_url": self.url_of(CHANGE),
                **kwargs,
            }
        )
