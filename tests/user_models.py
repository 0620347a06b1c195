"""What the user model of these settings has, for tests that are about some models only."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model

UserModel = get_user_model()

HAS_PASSWORD = any(field.name == "password" for field in UserModel._meta.fields)
OURS = UserModel.__module__.startswith("swap_user.")

# What the marker `user_model` may ask for.
TRAITS = {
    "password": HAS_PASSWORD,
    "no password": not HAS_PASSWORD,
    "email address": hasattr(UserModel, "EMAIL_FIELD"),
    "email as username": UserModel.USERNAME_FIELD == "email",
    "phone as username": UserModel.USERNAME_FIELD == "phone",
    "ours": OURS,
}


def skip_other_models(item: pytest.Item) -> None:
    """Skip a test whose marker ``user_model`` asks for what this user model lacks."""
    for marker in item.iter_markers("user_model"):
        if unknown := [trait for trait in marker.args if trait not in TRAITS]:
            raise pytest.UsageError(f"{item.nodeid}: no such trait of a user model: {unknown}")
        if lacking := [trait for trait in marker.args if not TRAITS[trait]]:
            reason = f"needs a user model with: {', '.join(lacking)}"
            item.add_marker(pytest.mark.skip(reason=reason))
