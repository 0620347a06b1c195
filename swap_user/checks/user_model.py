"""System checks of the user model, and of the sign-up that creates its rows."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.contrib.auth import get_user_model
from django.core import checks

from swap_user.checks.helpers import Messages, load, value
from swap_user.conf import NAMESPACE
from swap_user.otp import policies
from swap_user.otp.accounts.address_field import address_field
from swap_user.otp.pages.addresses.sign_up_form import SignUpForm
from swap_user.users import usernames

# Its public name. The module in which it is defined is private.
_SIGN_UP_FORM = "swap_user.otp.views.SignUpForm"


def check_username_field(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """E020: a value of the username field has no text that a user could type."""
    model: Any = get_user_model()
    field = usernames.username_field(model)
    if usernames.can_be_typed(field):
        return []
    return [
        checks.Error(
            f"{model._meta.label}.{field.name} is the USERNAME_FIELD, but users can't log in with "
            f"a {type(field).__name__}: the same value can be typed in several ways.",
            hint="Use a text field, an integer field, a UUIDField, or a relation to one of these.",
            obj=model,
            id="swap_user.E020",
        )
    ]


def check_sign_up(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """
    OTP_SIGN_UP is set, but no account can be created.

    E022: the class does not fit. E023: no code can be sent or no user can log in.
    """
    named = value("OTP_SIGN_UP")
    if not named:
        return []
    form: Any = SignUpForm
    if isinstance(named, str):
        form, found = load(
            "OTP_SIGN_UP",
            SignUpForm,
            example="shop.forms.SignUpForm",
            not_found="swap_user.E022",
            not_fit="swap_user.E022",
            public=_SIGN_UP_FORM,
        )
        if form is None:
            return found
        if unfit := [name for name, field in form.base_fields.items() if _is_unfit(field)]:
            return [
                checks.Error(
                    f"{NAMESPACE}['OTP_SIGN_UP'] is {named!r}, whose field {unfit[0]} asks for a "
                    "password or for a file.",
                    hint="What is entered waits in the session for the code. Ask for it later.",
                    id="swap_user.E022",
                )
            ]
    where, model = f"{NAMESPACE}['OTP_SIGN_UP'] is set", get_user_model()
    if address_field() is None:
        return [
            checks.Error(
                f"{where}, but codes are sent to no field of {model._meta.label}.",
                hint="The sender's get_receiver() must return the username or the email address.",
                id="swap_user.E023",
            )
        ]
    try:
        asks_password = policies.load_policy().asks_password()
    except Exception:  # noqa: BLE001 - another check reports it
        asks_password = False
    if asks_password:
        return [
            checks.Error(
                f"{where}, but the policy asks for a password, which a new user does not have.",
                hint="Choose another OTP_POLICY_CLASS, or create accounts in a view of your own.",
                id="swap_user.E023",
            )
        ]
    return _missing_fields(where, model, form)


def _is_unfit(field: Any) -> bool:
    is_password = getattr(field.widget, "input_type", "") == "password"
    return is_password or bool(field.widget.needs_multipart_form)


def _missing_fields(where: str, model: Any, form: Any) -> Messages:
    """E024: a field of the model needs a value, and is in no field of the form."""
    given = {*form.base_fields, model.USERNAME_FIELD, getattr(address_field(), "name", "")}
    if form.create_user is not SignUpForm.create_user:
        return []
    missing = [
        field.name
        for field in model._meta.concrete_fields
        if not (field.blank or field.null or field.has_default() or field.primary_key)
        and field.name not in {*given, "password"}
    ]
    if not missing:
        return []
    return [
        checks.Error(
            f"{where}, but its form does not ask for {', '.join(missing)}, which "
            f"{model._meta.label} requires.",
            hint=f"Name a subclass of {_SIGN_UP_FORM} with these fields.",
            id="swap_user.E024",
        )
    ]
