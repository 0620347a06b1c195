from django.utils.translation import gettext_lazy as _

from swap_user.to_phone_otp.base_models import AbstractPhoneOTPUser


class PhoneOTPUser(AbstractPhoneOTPUser):
    """The user model with a phone number as username, without a password."""

    class Meta(AbstractPhoneOTPUser.Meta):
        swappable = "AUTH_USER_MODEL"
        verbose_name = _("OTP phone user")
        verbose_name_plural = _("OTP phone users")
