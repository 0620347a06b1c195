"""Phone numbers as identities. The one module that needs django-phonenumber-field."""

from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField
from phonenumber_field.phonenumber import PhoneNumber, to_python

from swap_user.users.usernames import username_field


def normalize_phone(phone: str | PhoneNumber, region: str | None = None) -> str:
    """
    Return a phone number in E.164 (ITU-T E.164: "+", country code, number).

    Args:
        phone: in any notation and any script's digits.
        region: the country of numbers in national notation, ISO 3166-1 alpha-2; None:
            ``PHONENUMBER_DEFAULT_REGION``.

    Returns:
        The number, or the text as it was where it is no valid phone number.
    """
    number = to_python(phone, region=region)
    if not isinstance(number, PhoneNumber):
        return ""
    return str(number.as_e164 if number.is_valid() else number.raw_input or "")


class PhoneIdentity(models.Model):
    """Gives a user model its ``phone`` for a username."""

    phone = PhoneNumberField(verbose_name=_("phone number"), unique=True)

    USERNAME_FIELD = "phone"

    class Meta:
        abstract = True

    def get_username(self) -> str:
        """Return the number in E.164, as text: PhoneNumber is no JSON."""
        return str(self.normalize_username(getattr(self, self.USERNAME_FIELD)))

    @classmethod
    def normalize_username(cls, username: Any) -> Any:
        """Return a phone number in E.164; anything else as it was."""
        if not isinstance(username, str | PhoneNumber):
            return username
        field: Any = username_field(cls)
        return normalize_phone(username, field.region)

    @classmethod
    def get_email_field_name(cls) -> str:
        """
        Return the name of the model's email field, or of its phone field where there is none.

        Django's password reset form looks users up by this field; this way it finds nobody on a
        model without email addresses, and does not fail.
        """
        name = getattr(cls, "EMAIL_FIELD", "email")
        try:
            cls._meta.get_field(name)
        except FieldDoesNotExist:
            return cls.USERNAME_FIELD
        return str(name)
