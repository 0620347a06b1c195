from typing import Any

from swap_user.users.managers import SwapUserManager


class PhoneUserManager(SwapUserManager[Any]):
    """Creates users with a phone number as username."""
