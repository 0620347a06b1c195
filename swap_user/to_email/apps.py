from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EmailUserConfig(AppConfig):
    """The app of EmailUser."""

    name = "swap_user.to_email"
    label = "swap_to_email"
    verbose_name = _("Email users")
    # Keys of existing databases: tables of other apps point at them.
    default_auto_field = "django.db.models.AutoField"
