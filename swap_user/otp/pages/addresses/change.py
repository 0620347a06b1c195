"""The page on which users change the address that codes are sent to (R50)."""

from typing import Any

from django.http import Http404, HttpResponse, HttpResponseRedirect, QueryDict
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from swap_user.otp.accounts import address_field
from swap_user.otp.accounts.address_claim import CHANGE as PURPOSE
from swap_user.otp.accounts.address_claim import AddressClaim
from swap_user.otp.accounts.own_change import change_own_address
from swap_user.otp.pages.addresses.confirming import ConfirmingMixin
from swap_user.otp.pages.addresses.forms import AddressForm
from swap_user.otp.pages.methods.base import ChangingView
from swap_user.otp.pages.methods.names import CHANGE, OVERVIEW
from swap_user.otp.visitors import code_request, flow
from swap_user.otp.visitors.code_request import ADDRESS_KEY, CodeRequest
from swap_user.users import usernames


class ChangeUsernameView(ConfirmingMixin, ChangingView):
    """Ask for the new address, and then for the code that was sent there."""

    title = gettext_lazy("Change where codes are sent")
    code_title = gettext_lazy("Confirm your new address")
    request_key = ADDRESS_KEY

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

    def load_request(self) -> CodeRequest | None:
        """Return the code request, unless the address is stored elsewhere: see ``field()``."""
        self.field()
        return super().load_request()

    def address_form(self, data: QueryDict | None = None) -> AddressForm:
        """Return the form. A link may contain an address."""
        initial = {"username": self.request.GET.get("username", "")}
        return AddressForm(data, user=self.user, initial=initial)

    def claim(self, address: str) -> AddressClaim:
        """Return what the user says about an address."""
        return AddressClaim(PURPOSE, address, str(self.user.pk))

    def redirect_here(self) -> HttpResponseRedirect:
        """Redirect to this page."""
        return self.redirect_to_page(CHANGE)

    def confirmed(self, asked: CodeRequest) -> HttpResponse:
        """Change the address."""
        code_request.clear(self.request.session, ADDRESS_KEY)
        flow.renew(self.request, flow.new_id())  # after each accepted step (R53)
        if not change_own_address(self.request, self.field(), asked.username):
            taken = AddressForm({"username": asked.username}, user=self.user)
            taken.add_error("username", _("Another account has this address."))
            return self.show(taken)
        address = format_html("<bdi>{}</bdi>", asked.username)
        self.add_message(format_html(_("Codes are now sent to {}."), address))
        return self.redirect_to_page(OVERVIEW)

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
