from typing import Any

from swap_user.users.managers import PasswordlessUserManager


class PhoneOTPUserManager(PasswordlessUserManager[Any]):
    """Creates users by phone number; they have no password."""
