from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PhoneOTPUserConfig(AppConfig):
    """The app of PhoneOTPUser."""

    name = "swap_user.to_phone_otp"
    label = "swap_to_phone_otp"
    verbose_name = _("Phone users (one-time codes)")
    # Primary keys in existing databases have this type, and foreign keys refer to them.
    default_auto_field = "django.db.models.AutoField"
