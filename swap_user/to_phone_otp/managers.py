from typing import Any

from swap_user.users.managers import PasswordlessUserManager


class PhoneOTPUserManager(PasswordlessUserManager[Any]):
    """Creates users with a phone number as username, without a password."""
