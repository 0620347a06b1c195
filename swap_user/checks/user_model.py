"""System check of the user model."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.contrib.auth import get_user_model
from django.core import checks

from swap_user.checks.helpers import Messages
from swap_user.users import usernames


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
