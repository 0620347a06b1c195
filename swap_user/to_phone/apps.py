from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PhoneUserConfig(AppConfig):
    """The app of PhoneUser."""

    name = "swap_user.to_phone"
    label = "swap_to_phone"
    verbose_name = _("Phone users")
    # Keys of existing databases: tables of other apps point at them.
    default_auto_field = "django.db.models.AutoField"
