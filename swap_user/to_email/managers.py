from typing import Any

from swap_user.users.managers import SwapUserManager


class EmailUserManager(SwapUserManager[Any]):
    """Creates users with an email address as username."""
