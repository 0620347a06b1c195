from swap_user.to_phone_otp.managers import PhoneOTPUserManager
from swap_user.users.models import AbstractPasswordlessUser
from swap_user.users.phone import PhoneIdentity


class AbstractPhoneOTPUser(PhoneIdentity, AbstractPasswordlessUser):
    """A user with a phone number as username, without a password."""

    objects = PhoneOTPUserManager()

    class Meta(PhoneIdentity.Meta):
        abstract = True
