from django.utils.translation import gettext_lazy as _

from swap_user.to_email_otp.base_models import AbstractEmailOTPUser


class EmailOTPUser(AbstractEmailOTPUser):
    """The user model with an email address as username, without a password."""

    class Meta(AbstractEmailOTPUser.Meta):
        swappable = "AUTH_USER_MODEL"
        verbose_name = _("OTP email user")
        verbose_name_plural = _("OTP email users")
