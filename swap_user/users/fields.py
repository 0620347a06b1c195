"""The model field for normalized email addresses."""

from typing import Any

from django.db import models

from swap_user.users.usernames import normalize_email


class NormalizedEmailField(models.EmailField):  # type: ignore[type-arg]
    """
    An email address that is stored and compared in one form: NFKC, stripped, lower case.

    ``save()``, ``bulk_create()``, ``update()`` and ``filter()`` normalize the given address.
    Pattern lookups such as ``icontains`` and ``regex`` use their argument unchanged.
    """

    def to_python(self, value: Any) -> Any:
        """Return the address in the form in which it is stored."""
        # get_prep_value() calls this method, so lookups and writes are normalized too.
        value = super().to_python(value)
        return normalize_email(value) if isinstance(value, str) else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Return the value to store, and set it on the instance so that both are equal."""
        value = super().pre_save(model_instance, add)
        if isinstance(value, str):
            value = self.to_python(value)
            setattr(model_instance, self.attname, value)
        return value
