"""The models whose rows are users: the user model, its proxies, its children and its parents."""

from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model


def user_models() -> list[Any]:
    """Return the models that can save or delete a user. Django sends signals for each by itself."""
    user_model: Any = get_user_model()
    tables = {user_model._meta.concrete_model, *user_model._meta.get_parent_list()}
    return [
        model
        for model in apps.get_models()
        if issubclass(model, user_model) or model._meta.concrete_model in tables
    ]


def stored_user(instance: Any, using: str) -> Any:
    """
    Return the user as the database has it, or None if there is no such row.

    Args:
        instance: an instance of one of ``user_models()``.
        using: a key of DATABASES.
    """
    user_model: Any = get_user_model()
    return user_model._base_manager.using(using).filter(pk=instance.pk).first()
