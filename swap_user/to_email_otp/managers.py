from typing import Any

from swap_user.base_managers import PasswordlessUserManager


class EmailOTPUserManager(PasswordlessUserManager[Any]):
    """Creates users by email address; they have no password."""
