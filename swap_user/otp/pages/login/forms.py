"""The forms of a login: for the username and perhaps a password, and for the code."""

from collections.abc import Collection
from typing import Any, cast

from django import forms
from django.contrib.auth import get_user_model
from django.core.validators import EmailValidator, MaxLengthValidator
from django.db import models
from django.forms.widgets import Input
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField

from swap_user.otp import policies
from swap_user.otp.availability import report_database_outage
from swap_user.users import lookup, usernames

# Characters. The longest code is a recovery code, with spaces.
CODE_MAX_LENGTH = 64

USERNAME_MAX_LENGTH = 254

# By type of username: the widget, which selects the keyboard of phones, and the autocomplete token,
# with which browsers fill in the field. HTML allows only one token, not "username email".
_USERNAME_WIDGETS: dict[str, tuple[type[Input], str]] = {
    "email": (forms.EmailInput, "email"),
    "phone": (forms.TelInput, "tel"),
    "other": (forms.TextInput, "username"),
}

_INVALID_USERNAME = {
    "email": EmailValidator.message,
    "phone": _("Enter the number with its country code, like +44 7700 900123."),
    "other": _("Enter a valid value."),
}


class UsernameForm(forms.Form):
    """Asks for the username of the user model: an email address, a phone number or a name."""

    required_css_class = "required"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.model_field = self.get_model_field()
        self.fields["username"] = _typed_text(self.model_field)
        self.fields["username"].help_text = _("You will be sent a one-time code.")
        if policies.load_policy().asks_password():
            self.fields["username"].help_text = ""
            self.fields["password"] = forms.CharField(
                label=pgettext_lazy("swap_user", "Password"),
                help_text=_("After it you will be sent a one-time code."),
                strip=False,
                widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
            )

    def get_model_field(self) -> "models.Field[Any, Any]":
        """Return the field of the user model that the user types: the username."""
        return usernames.username_field(get_user_model())

    @property
    def invalid_message(self) -> str:
        """The error message for text that the field does not accept."""
        return str(_INVALID_USERNAME[username_type(self.model_field)])

    def clean_username(self) -> str:
        """
        Return the canonical username. Whether there is such a user makes no difference.

        The exception is a text that the validators of the model field refuse: it is accepted if it
        is stored, because rules change and accounts remain.
        """
        username = usernames.normalize(self.cleaned_data["username"])
        try:
            usernames.validate(get_user_model(), username)
        except forms.ValidationError:
            with report_database_outage():
                is_stored = lookup.find(lookup.identify(username)) is not None
            if not is_stored:
                raise forms.ValidationError(self.invalid_message, code="invalid") from None
        return username


class CodeInput(forms.TextInput):
    """A text input that is empty after an error, so that the user can enter another code."""

    keeps_value = False

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Leave out the value, unless ``keeps_value`` is True."""
        return super().get_context(name, value if self.keeps_value else None, attrs)


class CodeForm(forms.Form):
    """
    Asks for the code, in one text field, so that it can be pasted, dictated or filled in.

    Args:
        receiver: the username that the visitor entered.
        wanted: the factors that are accepted for the second code, after the first code was right.
            Empty for the first code. See ``CodeRequest``.
    """

    required_css_class = "required"

    otp = forms.CharField(
        label=_("One-time code"),
        # Not max_length: browsers would truncate a code that is pasted with spaces.
        validators=[MaxLengthValidator(CODE_MAX_LENGTH)],
        widget=CodeInput(
            attrs={
                "autocomplete": "one-time-code",
                "inputmode": "numeric",
                "autocapitalize": "off",
                "autocorrect": "off",
                "spellcheck": "false",
                "dir": "ltr",
                "autofocus": True,
            }
        ),
    )

    def __init__(
        self, *args: Any, receiver: str = "", wanted: Collection[str] = (), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        # This is the help text, because screen readers read it together with the field.
        self.fields["otp"].help_text = _second_code(wanted) or format_html(
            gettext("If there is an account for {}, a code is on its way."),
            format_html("<bdi>{}</bdi>", receiver),
        )

    def confirm_first_code(self) -> None:
        """Begin the help text by saying that the first code was right."""
        field = self.fields["otp"]
        field.help_text = format_html("{} {}", gettext("That was right."), field.help_text)

    def keep_code(self) -> None:
        """Show the entered code again, because it was not checked."""
        cast(CodeInput, self.fields["otp"].widget).keeps_value = True


def _second_code(wanted: Collection[str]) -> str:
    """Return a sentence that asks for the second code, or an empty string if none is wanted."""
    if not wanted:
        return ""
    if policies.SENT not in wanted:
        return gettext("Now enter the code of your authenticator app, or a recovery code.")
    if len(wanted) == 1:
        return gettext("Now enter the code that was sent to you.")
    return gettext("Now enter another code.")


def _typed_text(model_field: "models.Field[Any, Any]") -> forms.CharField:
    """Return the form field for a username or an address."""
    widget, autocomplete = _USERNAME_WIDGETS[username_type(model_field)]
    return forms.CharField(
        label=capfirst(model_field.verbose_name),
        # A typed name may be longer than the stored one: a phone number with spaces.
        max_length=max(model_field.max_length or 0, USERNAME_MAX_LENGTH),
        widget=widget(
            attrs={
                "autocomplete": autocomplete,
                "autocapitalize": "none",
                "autocorrect": "off",
                "spellcheck": "false",
                "autofocus": True,
            }
        ),
    )


def username_type(model_field: "models.Field[Any, Any]") -> str:
    """Return what the user types: "email", "phone" or "other"."""
    if isinstance(model_field, models.EmailField):
        return "email"
    if isinstance(model_field, PhoneNumberField):
        return "phone"
    return "other"
