"""Look users up by canonical username, through the default manager of the user model."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import QuerySet

from swap_user.users.usernames import username_field


def named(name: str) -> "QuerySet[AbstractBaseUser]":
    """
    Return a queryset with the user of this username, or an empty one.

    Args:
        name: the canonical username, see ``swap_user.users.usernames.normalize()``.
    """
    model: Any = get_user_model()
    return model._default_manager.filter(**{model.USERNAME_FIELD: name})  # type: ignore[no-any-return]


def answers_to(user: AbstractBaseUser, name: str) -> bool:
    """
    Return whether ``name`` equals the user's username exactly.

    The database may find a user by a different spelling: common MariaDB collations ignore accents
    and find jose@example.com for josé@example.com. Each spelling would then have its own
    challenges and its own throttle budgets.
    """
    field = username_field(type(user))
    same = field.get_prep_value(user.get_username()) == field.get_prep_value(name)
    return bool(same)


def is_active(user: AbstractBaseUser) -> bool:
    """Return ``user.is_active``, or True if the user model has no such field."""
    return bool(getattr(user, "is_active", True))
