from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PhoneUserConfig(AppConfig):
    """The app of PhoneUser."""

    name = "swap_user.to_phone"
    label = "swap_to_phone"
    verbose_name = _("Phone users")
    # Primary keys in existing databases have this type, and foreign keys refer to them.
    default_auto_field = "django.db.models.AutoField"
