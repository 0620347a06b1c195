"""Model fields."""

from typing import Any

from django.db import models

from swap_user.users.usernames import normalize_email


class NormalizedEmailField(models.EmailField):  # type: ignore[type-arg]
    """
    An email address, kept and compared in one form: NFKC, stripped, lower case.

    Whatever form an address is given in, saving, creating in bulk, updating and filtering agree;
    pattern lookups such as ``icontains`` and ``regex`` take their argument as it is.
    """

    def to_python(self, value: Any) -> Any:
        """Return the address in the form in which it is stored."""
        # Lookups and writes come through here too: get_prep_value() calls it.
        value = super().to_python(value)
        return normalize_email(value) if isinstance(value, str) else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Return what will be stored, and leave it on the instance as well."""
        value = super().pre_save(model_instance, add)
        if isinstance(value, str):
            # So that the instance says what the database says, without a reload.
            value = self.to_python(value)
            setattr(model_instance, self.attname, value)
        return value
