from typing import Any

from swap_user.users.managers import SwapUserManager


class EmailUserManager(SwapUserManager[Any]):
    """Creates users by email address."""
