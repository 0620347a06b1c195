"""Find the user whose username is the argument of a command."""

from typing import Any

from django.core.management.base import CommandError

from swap_user.users import lookup, usernames


def get_user(username: str) -> Any:
    """
    Return the user with this username.

    Args:
        username: the username, in any case or form.

    Raises:
        CommandError: there is no such user.
    """
    name = usernames.normalize(username)
    for user in lookup.named(name) if name else ():
        if lookup.answers_to(user, name):
            return user
    raise CommandError(f"There is no user {username!r}. Create one with createsuperuser.")
