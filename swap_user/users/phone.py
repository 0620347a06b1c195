"""Phone numbers as usernames, with django-phonenumber-field."""

from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField
from phonenumber_field.phonenumber import PhoneNumber, to_python

from swap_user.users.usernames import username_field


def normalize_phone(phone: str | PhoneNumber, region: str | None = None) -> str:
    """
    Return a phone number in E.164 format (ITU-T E.164: "+", country code, number).

    Args:
        phone: a phone number in any notation, with the digits of any script.
        region: the country of numbers in national notation (ISO 3166-1 alpha-2). None stands for
            ``PHONENUMBER_DEFAULT_REGION``.

    Returns:
        The number, or the unchanged text if it is not a valid phone number.
    """
    number = to_python(phone, region=region)
    if not isinstance(number, PhoneNumber):
        return ""
    return str(number.as_e164 if number.is_valid() else number.raw_input or "")


class PhoneIdentity(models.Model):
    """Adds ``phone`` to a user model, as its username."""

    phone = PhoneNumberField(verbose_name=_("phone number"), unique=True)

    USERNAME_FIELD = "phone"

    class Meta:
        abstract = True

    def get_username(self) -> str:
        """Return the number in E.164 format, as a string: JSON can't contain a PhoneNumber."""
        return str(self.normalize_username(getattr(self, self.USERNAME_FIELD)))

    @classmethod
    def normalize_username(cls, username: Any) -> Any:
        """Return a phone number in E.164 format, and other values unchanged."""
        if not isinstance(username, str | PhoneNumber):
            return username
        field: Any = username_field(cls)
        return normalize_phone(username, field.region)

    @classmethod
    def get_email_field_name(cls) -> str:
        """
        Return the name of the model's email field, or of its phone field if it has none.

        Django's password reset form looks users up by this field. With the phone field it finds no
        user and does not fail.
        """
        name = getattr(cls, "EMAIL_FIELD", "email")
        try:
            cls._meta.get_field(name)
        except FieldDoesNotExist:
            return cls.USERNAME_FIELD
        return str(name)
