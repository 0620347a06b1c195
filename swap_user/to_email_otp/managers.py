from typing import Any

from swap_user.users.managers import PasswordlessUserManager


class EmailOTPUserManager(PasswordlessUserManager[Any]):
    """Creates users with an email address as username, without a password."""
