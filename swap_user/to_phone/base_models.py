from swap_user.base_models import AbstractSwapUser
from swap_user.phones import PhoneIdentity
from swap_user.to_phone.managers import PhoneUserManager


class AbstractPhoneUser(PhoneIdentity, AbstractSwapUser):
    """A user who is known by phone number and has a password."""

    objects = PhoneUserManager()

    class Meta(PhoneIdentity.Meta):
        abstract = True
