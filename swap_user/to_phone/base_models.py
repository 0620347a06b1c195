from swap_user.to_phone.managers import PhoneUserManager
from swap_user.users.models import AbstractSwapUser
from swap_user.users.phone import PhoneIdentity


class AbstractPhoneUser(PhoneIdentity, AbstractSwapUser):
    """A user with a phone number as username, and a password."""

    objects = PhoneUserManager()

    class Meta(PhoneIdentity.Meta):
        abstract = True
