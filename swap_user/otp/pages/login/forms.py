"""The forms of a login: who (and the password, where the policy asks for it), and the code."""

from collections.abc import Collection
from typing import Any, cast

from django import forms
from django.contrib.auth import get_user_model
from django.core.validators import EmailValidator, MaxLengthValidator
from django.db import models
from django.forms.widgets import Input
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField

from swap_user.otp import policies
from swap_user.users import usernames

# Nobody types more: the longest code is a recovery code, grouped and spaced.
CODE_MAX_LENGTH = 64

USERNAME_MAX_LENGTH = 254

# What each kind of username is to a browser, which then offers the right keyboard and fills it in.
# One token each: HTML knows no "username email", and there is no password to go with a username.
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
    """Ask who wants to log in, in the way that suits the user model: by email, phone or name."""

    required_css_class = "required"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        model_field = _username_model_field()
        self.username_type = _username_type(model_field)
        widget, autocomplete = _USERNAME_WIDGETS[self.username_type]
        self.fields["username"] = forms.CharField(
            label=capfirst(model_field.verbose_name),
            help_text=_("You will be sent a one-time code."),
            max_length=model_field.max_length or USERNAME_MAX_LENGTH,
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
        if policies.load_policy().asks_password():
            self.fields["username"].help_text = ""
            self.fields["password"] = forms.CharField(
                label=_("Password"),
                help_text=_("After it you will be sent a one-time code."),
                strip=False,
                widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
            )

    def clean_username(self) -> str:
        """Return the canonical username; what can't be one is an error, whoever exists."""
        username = usernames.normalize(self.cleaned_data["username"])
        if self.username_type == "email":
            EmailValidator()(username)
        if not username:
            raise forms.ValidationError(_INVALID_USERNAME[self.username_type], code="invalid")
        return username


class CodeInput(forms.TextInput):
    """A text field that starts empty again, because a refused code is no use to anybody."""

    keeps_value = False

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Leave the value out, unless it is to be kept."""
        return super().get_context(name, value if self.keeps_value else None, attrs)


class CodeForm(forms.Form):
    """
    Ask for the code: one text field, so that it can be pasted, spoken and filled in by the phone.

    Args:
        receiver: what the visitor gave as username.
        wanted: once a first code was right, the kinds of the other; see CodeRequest.
    """

    required_css_class = "required"

    otp = forms.CharField(
        label=_("One-time code"),
        # Bounded here and not in the browser, which would cut a code pasted with spaces.
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
        # The help text, because that is what a screen reader says with the field.
        self.fields["otp"].help_text = _second_code(wanted) or format_html(
            gettext("If there is an account for {}, a code is on its way."),
            format_html("<bdi>{}</bdi>", receiver),
        )

    def praise(self) -> None:
        """Say that the code was right, before what comes next."""
        field = self.fields["otp"]
        field.help_text = format_html("{} {}", gettext("That was right."), field.help_text)

    def keep_code(self) -> None:
        """Show the code again: it was not refused, it could not be looked at."""
        cast(CodeInput, self.fields["otp"].widget).keeps_value = True


def _second_code(wanted: Collection[str]) -> str:
    """Return in words what is to be entered after a first right code, or ""."""
    if not wanted:
        return ""
    if policies.SENT not in wanted:
        return gettext("Now enter the code of your authenticator app, or a recovery code.")
    if len(wanted) == 1:
        return gettext("Now enter the code that was sent to you.")
    return gettext("Now enter another code.")


def _username_model_field() -> "models.Field[Any, Any]":
    user_model = get_user_model()
    return cast("models.Field[Any, Any]", user_model._meta.get_field(user_model.USERNAME_FIELD))


def _username_type(model_field: "models.Field[Any, Any]") -> str:
    if isinstance(model_field, models.EmailField):
        return "email"
    if isinstance(model_field, PhoneNumberField):
        return "phone"
    return "other"
