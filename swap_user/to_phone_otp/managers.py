from typing import Any

from swap_user.base_managers import PasswordlessUserManager


class PhoneOTPUserManager(PasswordlessUserManager[Any]):
    """Creates users by phone number; they have no password."""
