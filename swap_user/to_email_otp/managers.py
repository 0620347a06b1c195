from typing import Any

from swap_user.users.managers import PasswordlessUserManager


class EmailOTPUserManager(PasswordlessUserManager[Any]):
    """Creates users by email address; they have no password."""
