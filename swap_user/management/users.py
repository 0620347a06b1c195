"""The user that a command names."""

from typing import Any

from django.core.management.base import CommandError

from swap_user.users import lookup, usernames


def get_user(username: str) -> Any:
    """
    Return the user of that name.

    Args:
        username: in any case or form.

    Raises:
        CommandError: there is none.
    """
    name = usernames.normalize(username)
    user = lookup.named(name).first() if name else None
    if user is None:
        raise CommandError(f"There is no user {username!r}. Create one with createsuperuser.")
    return user
