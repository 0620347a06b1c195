"""Queries for users by canonical username, with the default manager of the user model."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import QuerySet

from swap_user.users.databases import written
from swap_user.users.usernames import username_field


def named(name: str) -> "QuerySet[AbstractBaseUser]":
    """
    Return a queryset that contains the user with this username, or is empty.

    It reads the database that is written (R44).

    Args:
        name: the canonical username, see ``swap_user.users.usernames.normalize()``.
    """
    model: Any = get_user_model()
    return written(model).filter(**{model.USERNAME_FIELD: name})


def answers_to(user: AbstractBaseUser, name: str) -> bool:
    """
    Return whether ``name`` is exactly the user's username.

    A query for one username may return a user with a similar one: common collations of MariaDB
    ignore accents, so a query for jose@example.com returns josé@example.com. Without this check,
    each spelling would have its own challenges and its own limits.
    """
    field = username_field(type(user))
    same = field.get_prep_value(user.get_username()) == field.get_prep_value(name)
    return bool(same)


def is_active(user: AbstractBaseUser) -> bool:
    """Return ``user.is_active``, or True if the user model has no such field."""
    return bool(getattr(user, "is_active", True))
