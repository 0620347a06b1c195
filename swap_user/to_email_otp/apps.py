from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EmailOTPUserConfig(AppConfig):
    """The app of EmailOTPUser."""

    name = "swap_user.to_email_otp"
    label = "swap_to_email_otp"
    verbose_name = _("Email users (one-time codes)")
    # Primary keys in existing databases have this type, and foreign keys refer to them.
    default_auto_field = "django.db.models.AutoField"
