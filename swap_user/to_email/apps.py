from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EmailUserConfig(AppConfig):
    """The app of EmailUser."""

    name = "swap_user.to_email"
    label = "swap_to_email"
    verbose_name = _("Email users")
    # Primary keys in existing databases have this type, and foreign keys refer to them.
    default_auto_field = "django.db.models.AutoField"
