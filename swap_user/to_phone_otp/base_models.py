from swap_user.base_models import AbstractPasswordlessUser
from swap_user.phones import PhoneIdentity
from swap_user.to_phone_otp.managers import PhoneOTPUserManager


class AbstractPhoneOTPUser(PhoneIdentity, AbstractPasswordlessUser):
    """A user who is known by phone number and has no password."""

    objects = PhoneOTPUserManager()

    class Meta(PhoneIdentity.Meta):
        abstract = True
