"""The sign-up form of the shop, which ``SWAP_USER["OTP_SIGN_UP"]`` names."""

from typing import Any

from django import forms
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from swap_user.otp.views import SignUpForm


class ShopSignUpForm(SignUpForm):
    """Also asks for a name, which is a field of the user, and for consent to the terms."""

    field_order = ["name", "username", "terms"]

    name = forms.CharField(
        label=_("Your name"),
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    terms = forms.BooleanField(error_messages={"required": _("Please accept the terms.")})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["terms"].label = format_html(
            gettext('I accept the <a href="{}" target="terms">terms of the shop</a>'),
            reverse("terms"),
        )

    def create_user(self, address: str) -> Any:
        """
        Create the user, and note when the terms were accepted; see SignUpForm.create_user().

        Args:
            address: the confirmed address.
        """
        user = super().create_user(address)
        user.terms_accepted_at = timezone.now()
        user.save(update_fields=["terms_accepted_at"])
        return user
