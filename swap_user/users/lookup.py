"""
Queries for users by their username.

They read the database that is written (R44).
"""

from functools import lru_cache
from typing import Any, cast

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.exceptions import MultipleObjectsReturned, ObjectDoesNotExist, ValidationError
from django.db import connections, models, router
from django.db.models import QuerySet

from swap_user.users import usernames
from swap_user.users.databases import written
from swap_user.users.managers import SwapUserManager
from swap_user.users.usernames import username_field


def identify(username: object) -> str:
    """
    Return the canonical username of the account that a typed username belongs to.

    Limits, challenges and known browsers belong to this name. It differs from
    ``usernames.normalize()`` if the manager or the database finds a user whose stored username is
    spelled differently, for example in another case. Only then is there a query, and it is the same
    whether or not there is such a user (R33).

    Args:
        username: the username as typed. Values of any type are accepted.

    Returns:
        The canonical username of the user, or "" if the value can't be a username. If there is no
        such user, all spellings in which one would be found have one name too. Otherwise they would
        not share their limits, and the limits would reveal that there is no user (R32).

    Raises:
        DatabaseError: the database can't be reached.
    """
    model = get_user_model()
    names = usernames.spellings(model, username)
    if not names:
        return ""
    natural = _has_own_natural_key(model)
    # A manager of the project is assumed to ignore case.
    ignored = _IGNORES_CASE if natural else _ignored(_alias(model), model)
    if len(names) == 1 and not natural and not any(ignored):
        return names[0]
    try:
        found = _by_natural_key(model, names) if natural else _by_name(model, names)
    except MultipleObjectsReturned:
        return names[0]  # one of several users whose usernames differ in case, for example
    stored = {usernames.stored(user) for user in found}
    exact = [name for name in names if name in stored]
    unknown = usernames.folded(model, names[0], *ignored)
    if exact or len(stored) > 1:
        return exact[0] if exact else names[0]
    return stored.pop() if stored else unknown


def named(name: str) -> "QuerySet[AbstractBaseUser]":
    """
    Return a queryset of the user with this username. See also answers_to().

    Args:
        name: the canonical username, see ``identify()``.
    """
    model: Any = get_user_model()
    return written(model).filter(**{model.USERNAME_FIELD: name})


def find(name: str) -> AbstractBaseUser | None:
    """
    Return the user with this username, active or not, or None.

    Args:
        name: the canonical username, see ``identify()``.
    """
    users = named(name) if name else ()
    return next((user for user in users if answers_to(user, name)), None)


def answers_to(user: AbstractBaseUser, name: str) -> bool:
    """
    Return whether ``name`` is exactly the user's canonical username.

    A query for one username may return a user with a similar one: common collations of MariaDB
    ignore accents, so a query for jose@example.com returns josé@example.com. Without this check,
    each spelling would have its own challenges and its own limits.
    """
    return usernames.stored(user) == name


def is_active(user: AbstractBaseUser) -> bool:
    """Return ``user.is_active``, or True if the user model has no such field."""
    return bool(getattr(user, "is_active", True))


def _alias(model: Any) -> str:
    return router.db_for_write(model)


def _has_own_natural_key(model: Any) -> bool:
    """Return whether the project decides how users are found by their username."""
    known = (BaseUserManager.get_by_natural_key, SwapUserManager.get_by_natural_key, None)
    return getattr(type(model._default_manager), "get_by_natural_key", None) not in known


def _by_natural_key(model: Any, names: list[str]) -> list[Any]:
    manager = model._default_manager.db_manager(_alias(model))
    found = []
    for name in names:
        try:
            found.append(manager.get_by_natural_key(name))
        except (ObjectDoesNotExist, TypeError, ValueError, ValidationError):
            usernames.pretend(model(), name)
    return found


def _by_name(model: Any, names: list[str]) -> list[Any]:
    found = list(written(model).filter(**{f"{model.USERNAME_FIELD}__in": names}))
    if not found:
        usernames.pretend(model(), names[0])
    return found


# Whether case is ignored, and whether accents are.
_IGNORES_CASE = (True, False)


@lru_cache(maxsize=8)
def _ignored(alias: str, model: Any) -> tuple[bool, bool]:
    """
    Return whether the column of usernames ignores case, and whether it ignores accents.

    Its type, its collation or that of the table decides this, and a migration of the project may
    have set it. So the database is asked, once per process, by a comparison of made-up values as
    the column would compare them.
    """
    field: Any = username_field(model)
    while field.is_relation:
        model, field = field.related_model, field.target_field
    if not isinstance(field, models.CharField | models.TextField):
        return False, False
    connection = connections[alias]
    column, table = map(connection.ops.quote_name, (field.column, model._meta.db_table))
    made_up = f"SELECT 'a'{connection.features.bare_select_suffix}"
    sql = (
        f"SELECT COUNT(CASE WHEN name = 'A' THEN 1 END), "  # noqa: S608
        f"COUNT(CASE WHEN name = '\u00e1' THEN 1 END) "
        f"FROM (SELECT {column} AS name FROM {table} WHERE 1 = 0 UNION ALL {made_up}) made_up"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql)
        case, accents = cast("tuple[int, int]", cursor.fetchone())
    return bool(case), bool(accents)
