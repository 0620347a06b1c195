"""The steps in which an address is confirmed: the address, the code, and another message."""

import time
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables

from swap_user.otp.accounts import confirmation
from swap_user.otp.accounts.address_claim import AddressClaim
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.pages.addresses.forms import AddressForm, ConfirmAddressForm
from swap_user.otp.pages.login.base import require_unicode
from swap_user.otp.pages.login.text import in_words, limit_in_words, times_of
from swap_user.otp.pages.login.unavailable import RETRY_AFTER
from swap_user.otp.throttling.guesses import ReachedLimit
from swap_user.otp.visitors import code_request
from swap_user.otp.visitors.code_request import CodeRequest

if TYPE_CHECKING:
    from django.views.generic import TemplateView as _View
else:
    _View = object


class ConfirmingMixin(_View):
    """
    Ask for an address, and then for the code that was sent there.

    The first answer is the same whether or not an account has the address (R32).

    Attributes:
        request_key: the key in the session of the code request.
        code_title: the title of the page that asks for the code.
    """

    request_key: str
    code_title: Any
    invalid_code_message = gettext_lazy("That code did not work. Check it, or ask for a new one.")

    def address_form(self, data: QueryDict | None = None) -> AddressForm:
        """Return the form for the address, with what was sent or with its initial values."""
        raise NotImplementedError

    def claim(self, address: str) -> AddressClaim:
        """Return what the visitor says about an address."""
        raise NotImplementedError

    def redirect_here(self) -> HttpResponseRedirect:
        """Redirect to this page, which shows the next step."""
        raise NotImplementedError

    def confirmed(self, asked: CodeRequest) -> HttpResponse:
        """Do what follows from a right code, which is used."""
        raise NotImplementedError

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask for the code that was sent, or for the address."""
        require_unicode(request.GET)
        asked = self.load_request()
        if asked is None or asked.is_confirmed or "new" in request.GET:
            return self.show(self.address_form())
        return self.show_code(asked)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Send a code to the address in the form, check a code, or send another one."""
        asked = self.load_request()
        if "username" in request.POST:
            form = self.address_form(request.POST)
            return self.send(form, asked) if form.is_valid() else self.show(form)
        if asked is None:
            text = _("That took too long. Please begin again.")
            messages.warning(request, text, fail_silently=True)
        if asked is None or asked.is_confirmed:
            return self.redirect_here()
        return self.check(asked) if "otp" in request.POST else self.send_again(asked)

    def load_request(self) -> CodeRequest | None:
        """Return the code request of this session for an address, while it can be confirmed."""
        asked = code_request.load(self.request.session, self.request_key)
        return asked if asked and asked.expires_in(time.time()) else None

    def send(self, form: Any, asked: CodeRequest | None) -> HttpResponse:
        """Send a code to the address in the form. A second press sends no second one."""
        address = form.cleaned_data["username"]
        pending = asked if asked and not asked.is_confirmed else None
        is_sent = pending and pending.username == address and pending.resend_in(time.time())
        if not is_sent and not self.ask(address):
            return self.show(form, unavailable=True)
        return self.redirect_here()

    def ask(self, address: str) -> bool:
        """Send a code, and return False if Redis can't be reached."""
        now = time.time()
        try:
            confirmation.ask(self.request, self.claim(address))
        except LoginUnavailable:
            return False
        code_request.save(self.request.session, address, now=now, key=self.request_key)
        return True

    def send_again(self, asked: CodeRequest) -> HttpResponse:
        """Send another message, or say how long to wait."""
        if wait := asked.resend_in(time.time()):
            text = _("You can ask for another code in %(time)s.") % {"time": in_words(wait)}
            messages.warning(self.request, text, fail_silently=True)
        elif self.ask(asked.username):
            text = _("A new message is on its way. Use any code that has reached you.")
            messages.success(self.request, text, fail_silently=True)
        else:
            return self.show_code(asked, unavailable=True)
        return self.redirect_here()

    @sensitive_variables("otp")
    def check(self, asked: CodeRequest) -> HttpResponse:
        """Check the code."""
        form = ConfirmAddressForm(self.request.POST, receiver=asked.username)
        if not form.is_valid():
            return self.show_code(asked, form)
        otp = form.cleaned_data["otp"]
        try:
            result = confirmation.confirm(self.request, self.claim(asked.username), otp)
        except LoginUnavailable:
            form.keep_code()
            return self.show_code(asked, form, unavailable=True)
        if result is True:
            return self.confirmed(asked)
        message = self.invalid_code_message
        form.add_error(
            "otp", limit_in_words(result) if isinstance(result, ReachedLimit) else message
        )
        return self.show_code(asked, form)

    def show(self, form: Any, *, unavailable: bool = False) -> HttpResponse:
        """Show the page that asks for the address."""
        return self._answer({"form": form}, unavailable)

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
            "is_asked": True,
            **times_of(asked, time.time()),
        }
        return self._answer(context, unavailable)

    def _answer(self, context: dict[str, Any], unavailable: bool) -> HttpResponse:
        """Show the page, with status 503 if Redis can't be reached."""
        context = self.get_context_data(unavailable=unavailable, **context)
        if "is_asked" in context:
            context["title"] = self.code_title
        status, headers = (503, {"Retry-After": str(RETRY_AFTER)}) if unavailable else (200, None)
        return self.render_to_response(context, status=status, headers=headers)
