"""Accounts by their canonical username, through the manager that the project gave its model."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import QuerySet


def named(name: str) -> "QuerySet[AbstractBaseUser]":
    """
    Return the users of this name: one or none.

    Args:
        name: as ``swap_user.identity.normalize`` gives it.
    """
    model: Any = get_user_model()
    return model._default_manager.filter(**{model.USERNAME_FIELD: name})  # type: ignore[no-any-return]


def is_active(user: AbstractBaseUser) -> bool:
    """Say whether the account may log in; a model without ``is_active`` has only active ones."""
    return bool(getattr(user, "is_active", True))
