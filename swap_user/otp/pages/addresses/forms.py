"""The forms for a new address, and for a sign-up."""

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from swap_user.otp.accounts import address_field
from swap_user.otp.pages.login.forms import CodeForm, UsernameForm
from swap_user.users import usernames

_COUNTRY = _("Codes can’t be sent to numbers of this country.")


class AddressForm(UsernameForm):
    """
    Asks for an address that codes can be sent to.

    Args:
        user: the user whose address it will be, or None for a new user.
    """

    def __init__(self, *args: Any, user: Any = None, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)
        self.fields.pop("password", None)
        self.fields["username"].help_text = _(
            "You will be sent a code, which you enter on the next page."
        )

    def get_model_field(self) -> Any:
        """Return the field that the sender reads."""
        return address_field.address_field(self.user)

    def clean_username(self) -> str:
        """Return the canonical address. Whether another account has it makes no difference."""
        try:
            address = address_field.clean(self.model_field, self.cleaned_data["username"])
            if self.is_username():
                usernames.validate(get_user_model(), address)
        except forms.ValidationError as error:
            is_country = getattr(error, "code", None) == "country"
            message = _COUNTRY if is_country else self.invalid_message
            raise forms.ValidationError(message, code="invalid") from None
        if self.user is not None and address == address_field.stored_address(
            self.user, self.model_field
        ):
            text = _("That is your address already.")
            raise forms.ValidationError(text, code="unchanged")
        return address

    def is_username(self) -> bool:
        """Return whether the address will also be the username, which may accept less."""
        if self.user is not None:
            return address_field.follows_address(self.user, self.model_field)
        return usernames.username_field(get_user_model()).name not in {*self.fields} - {"username"}


class ConfirmAddressForm(CodeForm):
    """
    Asks for the code that was sent to a new address.

    Args:
        receiver: the address.
    """

    def __init__(self, *args: Any, receiver: str = "", **kwargs: Any) -> None:
        super().__init__(*args, receiver=receiver, **kwargs)
        self.fields["otp"].help_text = format_html(
            gettext("A message is on its way to {}. Enter its code here."),
            format_html("<bdi>{}</bdi>", receiver),
        )
