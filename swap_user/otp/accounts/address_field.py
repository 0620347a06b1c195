"""Which field of the user model holds the address for codes, and which user has an address."""

from copy import copy
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models
from phonenumber_field.modelfields import PhoneNumberField

from swap_user.conf import swap_user_settings
from swap_user.otp.senders import load_sender
from swap_user.users import lookup, usernames
from swap_user.users.databases import written

# Made-up addresses that the receiver is asked for. They are never stored, and get no message.
_MADE_UP_EMAIL, _MADE_UP_PHONE = "made-up@example.com", "+12025550123"


def address_field(user: Any = None) -> "models.Field[Any, Any] | None":
    """
    Return the field that the sender's ``get_receiver()`` reads, or None if it is none of the model.

    It is the username field or the EMAIL_FIELD. Senders of a project may read other tables, whose
    rows this package can't change.

    Args:
        user: the user, or None for a new one.
    """
    model: Any = get_user_model()
    user = model() if user is None else user
    names = dict.fromkeys([model.USERNAME_FIELD, getattr(model, "EMAIL_FIELD", "email")])
    for name in names:
        try:
            field = model._meta.get_field(name)
        except FieldDoesNotExist:
            continue
        if not field.is_relation and _decides(field, user):
            return field  # type: ignore[no-any-return]
    return None


def with_address(user: Any, field: "models.Field[Any, Any]", address: str) -> Any:
    """
    Return an unsaved copy of a user with another address.

    Args:
        user: the user.
        field: the result of ``address_field()``.
        address: the address, as ``clean()`` returned it.
    """
    changed = copy(user)
    changed._state = copy(user._state)
    setattr(changed, field.attname, field.to_python(address))
    return changed


def stored_address(user: Any, field: "models.Field[Any, Any]") -> str:
    """Return the address of a user in the form that ``clean()`` returns."""
    if _is_username(field):
        return usernames.stored(user)
    return usernames.normalize_email(str(field.value_from_object(user) or ""))


def clean(field: "models.Field[Any, Any]", typed: str) -> str:
    """
    Return the canonical form of an address as typed.

    Args:
        field: the result of ``address_field()``.
        typed: the text of a visitor.

    Raises:
        ValidationError: the field does not accept it, or codes can't be sent to this country.
    """
    model = get_user_model()
    if _is_username(field):
        address = usernames.normalize(typed)
        usernames.validate(model, address)
    else:
        address = usernames.normalize_email(typed)
        field.clean(address, None)
    prefixes = tuple(swap_user_settings.OTP_PHONE_PREFIXES)
    if prefixes and is_phone(field) and not address.startswith(prefixes):
        raise ValidationError("The country is not allowed.", code="country")
    return address


def owner_of(field: "models.Field[Any, Any]", address: str, *, other_than: Any = None) -> Any:
    """
    Return a user who has an address, active or not, or None.

    Args:
        field: the result of ``address_field()``.
        address: the address, as ``clean()`` returned it.
        other_than: a user who does not count.
    """
    if _is_username(field):
        user = lookup.find(lookup.identify(address))
        return None if other_than is not None and user == other_than else user
    others = written(get_user_model()).filter(**{f"{field.name}__iexact": address})
    if other_than is not None:
        others = others.exclude(pk=other_than.pk)
    return others.order_by("pk").first()


def is_unique(field: "models.Field[Any, Any]") -> bool:
    """Return whether two accounts can't have the same address."""
    return field.unique or _is_username(field)


def is_phone(field: "models.Field[Any, Any]") -> bool:
    """Return whether the address is a phone number."""
    return isinstance(field, PhoneNumberField)


def follows_address(user: Any, field: "models.Field[Any, Any]") -> bool:
    """
    Return whether the username of a user is another field with the same value.

    Args:
        user: the user, as stored.
        field: the result of ``address_field()``.
    """
    username = usernames.username_field(user)
    return username.name != field.name and (
        username.value_from_object(user) == field.value_from_object(user)
    )


def save_address(user: Any, field: "models.Field[Any, Any]", address: str) -> None:
    """
    Save an address, and also the username if it was the same.

    Args:
        user: the user, as stored.
        field: the result of ``address_field()``.
        address: the address, as ``clean()`` returned it.
    """
    fields = [field]
    if follows_address(user, field):
        fields.append(usernames.username_field(user))
    for each in fields:
        setattr(user, each.attname, each.to_python(address))
    user.save(update_fields=[each.name for each in fields])


def _is_username(field: "models.Field[Any, Any]") -> bool:
    return field.name == get_user_model().USERNAME_FIELD


def _decides(field: "models.Field[Any, Any]", user: Any) -> bool:
    made_up = _MADE_UP_PHONE if is_phone(field) else _MADE_UP_EMAIL
    try:
        receiver = load_sender().get_receiver(with_address(user, field, made_up))
    except Exception:  # noqa: BLE001 - the sender is the project's
        return False
    return str(receiver) == made_up
