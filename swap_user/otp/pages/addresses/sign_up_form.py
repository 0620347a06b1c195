"""The form for a sign-up, which a project can extend, and the user that is created from it."""

from typing import Any, cast

from django import forms
from django.contrib.auth import get_user_model
from django.db import IntegrityError
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from swap_user.conf import swap_user_settings
from swap_user.otp.availability import is_duplicate
from swap_user.otp.pages.addresses.forms import AddressForm


class SignUpForm(AddressForm):
    """
    Asks for what a new account needs. Name a subclass in OTP_SIGN_UP for more fields.

    What the visitor has entered is kept in the session until the address is confirmed. So a
    subclass must not ask for a password or another secret. Its ``field_order`` is the order of the
    fields; without one, the address comes first.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The field of the address is not a declared one, so Django has not ordered it.
        self.order_fields(self.field_order or ["username"])

    def set_focus(self) -> None:
        """Give the focus to the first field, or to the first one with an error."""
        fields = self.visible_fields()
        for each in fields:
            each.field.widget.attrs.pop("autofocus", None)
        first = next((each for each in fields if each.errors), fields[0])
        first.field.widget.attrs["autofocus"] = True

    def create_user(self, address: str) -> Any:
        """
        Create and return the user. Fields of the form with the name of a model field are saved.

        Args:
            address: the confirmed address.

        Raises:
            ValidationError: the model does not accept the values.
            IntegrityError: another user was created with one of them at the same moment.
        """
        user = self._clean_user(address)
        user.save()
        return user

    def add_refusal(self, error: forms.ValidationError | IntegrityError, address: str) -> None:
        """
        Show why the user was not created, at the field that it is about.

        Args:
            error: what ``create_user()`` has raised.
            address: the confirmed address.

        Raises:
            IntegrityError: it is not about a value that is stored already.
        """
        if isinstance(error, IntegrityError):
            error = self._duplicate(error, address)
        if not hasattr(error, "error_dict"):
            self.add_error(None, error)
            return
        of_address = {self.model_field.name, get_user_model().USERNAME_FIELD}
        for name, errors in error.error_dict.items():
            field = "username" if name in of_address and name not in self.fields else name
            self.add_error(field if field in self.fields else None, errors)

    def _clean_user(self, address: str) -> Any:
        """
        Return the user, which is not saved yet.

        Raises:
            ValidationError: the model does not accept the values.
        """
        model: Any = get_user_model()
        names = {field.name for field in model._meta.concrete_fields}
        values = {
            name: value
            for name, value in self.cleaned_data.items()
            if name != "username" and name in names
        }
        user = model(**values)
        username = model._meta.get_field(model.USERNAME_FIELD)
        for field in {self.model_field, username}:
            if field is self.model_field or not field.value_from_object(user):
                setattr(user, field.attname, field.to_python(address))
        if hasattr(user, "set_unusable_password"):
            user.set_unusable_password()
        user.full_clean(exclude={"password"})
        return user

    def _duplicate(self, error: IntegrityError, address: str) -> forms.ValidationError:
        """Return which value is stored already. The other transaction is committed now."""
        if not is_duplicate(error):
            raise error
        try:
            self._clean_user(address)
        except forms.ValidationError as refused:
            return refused
        # The column is one that the fields of the form don't name.
        return forms.ValidationError(_("Something that you entered is in use already."))


def load_form() -> type[SignUpForm]:
    """
    Return the class of the form: that in OTP_SIGN_UP, or that of this package.

    Raises:
        ImportError: the class can't be imported.
    """
    named = swap_user_settings.OTP_SIGN_UP
    return cast("type[SignUpForm]", import_string(named)) if isinstance(named, str) else SignUpForm
