from swap_user.to_phone.managers import PhoneUserManager
from swap_user.users.models import AbstractSwapUser
from swap_user.users.phone import PhoneIdentity


class AbstractPhoneUser(PhoneIdentity, AbstractSwapUser):
    """A user who is known by phone number and has a password."""

    objects = PhoneUserManager()

    class Meta(PhoneIdentity.Meta):
        abstract = True
