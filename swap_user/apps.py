"""The two app configs: the app itself, and the admin whose login it replaces."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.core import checks
from django.utils.translation import gettext_lazy as _


class SwapUserConfig(AppConfig):
    """The app that holds every user's authenticators, whatever the user model."""

    name = "swap_user"
    label = "swap_user"
    verbose_name = _("One-time codes")
    default = True
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks and the receivers of signals."""
        # Not before the apps are known.
        from django.contrib.auth.signals import user_logged_in  # noqa: PLC0415

        from swap_user.checks.configuration import register_checks  # noqa: PLC0415
        from swap_user.otp.delivery import notices  # noqa: PLC0415
        from swap_user.otp.sessions import first_receiver_hack, sessions  # noqa: PLC0415

        register_checks()
        first_receiver_hack.hide_codes_from_receivers()
        notices.connect()
        user_logged_in.connect(sessions.note_login, dispatch_uid="swap_user.sessions")


# AdminConfig is reached through its module: imported by name, Django would count it as a second
# default config of this package.
class OTPSiteConfig(admin_apps.AdminConfig):
    """Takes the place of "django.contrib.admin" and logs its users in with one-time codes."""

    default = False
    default_site = "swap_user.otp.sites.OTPAdminSite"

    def ready(self) -> None:
        """Register the check that the app itself is installed too, and discover the admins."""
        from swap_user.checks.configuration import check_swap_user_installed  # noqa: PLC0415 - likewise

        checks.register(check_swap_user_installed)
        super().ready()
