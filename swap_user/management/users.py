"""Find the user whose username is the argument of a command."""

from typing import Any

from django.core.management.base import CommandError

from swap_user.users import lookup


def get_user(username: str) -> Any:
    """
    Return the user with this username.

    Args:
        username: the username, in any case or form.

    Raises:
        CommandError: there is no such user.
    """
    user = lookup.find(lookup.identify(username))
    if user is not None:
        return user
    raise CommandError(f"There is no user {username!r}. Create one with createsuperuser.")
