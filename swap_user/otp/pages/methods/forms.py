"""The forms of the pages on sign-in methods."""

from typing import Any

from django import forms
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from swap_user.models import Authenticator
from swap_user.otp.pages.login.forms import CODE_MAX_LENGTH, CodeForm, CodeInput


class NameForm(forms.Form):
    """Asks for the name of an authenticator."""

    required_css_class = "required"

    name = forms.CharField(
        label=pgettext_lazy("swap_user", "Name"),
        help_text=_("To tell it from others, like “Work phone”. You can leave it empty."),
        max_length=Authenticator._meta.get_field("name").max_length,
        required=False,
        widget=forms.TextInput(
            attrs={"class": "vTextField", "autocomplete": "off", "autofocus": True}
        ),
    )

    def clean_name(self) -> str:
        """Return the name on one line."""
        return " ".join(self.cleaned_data["name"].split())


class AddForm(NameForm):
    """Asks for the name and the type of a new authenticator."""

    type = forms.ChoiceField(
        label=pgettext_lazy("swap_user", "Type"),
        choices=[
            (Authenticator.Type.TOTP, _("By time: a new code every half a minute (usual)")),
            (Authenticator.Type.HOTP, _("By counter: a new code at every press")),
        ],
        initial=Authenticator.Type.TOTP,
        required=False,
        widget=forms.RadioSelect,
    )

    def clean_type(self) -> str:
        """Return the chosen type, or the time-based one if none was chosen."""
        return self.cleaned_data["type"] or Authenticator.Type.TOTP


class ConfirmForm(CodeForm):
    """Asks for the code that the app shows."""

    otp = forms.CharField(
        label=_("Code that the app shows"),
        validators=[MaxLengthValidator(CODE_MAX_LENGTH)],
        widget=CodeInput(attrs={**CodeForm.base_fields["otp"].widget.attrs, "autofocus": False}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["otp"].help_text = ""
