"""Accounts by their canonical username, through the manager that the project gave its model."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import QuerySet

from swap_user.users.usernames import username_field


def named(name: str) -> "QuerySet[AbstractBaseUser]":
    """
    Return the users of this name: one or none.

    Args:
        name: as ``swap_user.users.usernames.normalize`` gives it.
    """
    model: Any = get_user_model()
    return model._default_manager.filter(**{model.USERNAME_FIELD: name})  # type: ignore[no-any-return]


def answers_to(user: AbstractBaseUser, name: str) -> bool:
    """
    Say whether this is the user's name, and not only one that the database takes for the same.

    MariaDB's usual collations ignore accents: it finds jose@example.com for josé@example.com.
    Each spelling would then have challenges, and in time budgets, of its own.
    """
    field = username_field(type(user))
    same = field.get_prep_value(user.get_username()) == field.get_prep_value(name)
    return bool(same)


def is_active(user: AbstractBaseUser) -> bool:
    """Say whether the account may log in; a model without ``is_active`` has only active ones."""
    return bool(getattr(user, "is_active", True))
