"""The two app configs: the app itself, and the admin with its own login page."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.core import checks
from django.utils.translation import gettext_lazy as _


class SwapUserConfig(AppConfig):
    """The app of the Authenticator and RecoveryCode models. It works with any user model."""

    name = "swap_user"
    label = "swap_user"
    verbose_name = _("One-time codes")
    default = True
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks and the receivers of signals."""
        # These modules import models, so they can be imported only when the apps are loaded.
        from django.contrib.auth.signals import user_logged_in  # noqa: PLC0415

        from swap_user.checks.configuration import register_checks  # noqa: PLC0415
        from swap_user.otp.accounts import address_change, allauth_email, deletion  # noqa: PLC0415
        from swap_user.otp.delivery import events  # noqa: PLC0415
        from swap_user.otp.enforcement import receivers as enforcement  # noqa: PLC0415
        from swap_user.otp.sessions import (  # noqa: PLC0415
            first_receiver_hack,
            proof,
            receivers,
            sessions,
        )
        from swap_user.signals import authenticator_added  # noqa: PLC0415
        from swap_user.users import password_validation_hack  # noqa: PLC0415

        register_checks()
        first_receiver_hack.hide_codes_from_receivers()
        password_validation_hack.refuse_passwords_in_forms()
        events.connect()
        user_logged_in.connect(sessions.note_login, dispatch_uid="swap_user.sessions")
        authenticator_added.connect(proof.note_enrollment, dispatch_uid="swap_user.proof")
        receivers.connect()
        enforcement.connect()
        address_change.connect()
        allauth_email.connect()
        deletion.connect()


# Don't import AdminConfig by name: Django would then find two default configs in this module.
class OTPSiteConfig(admin_apps.AdminConfig):
    """The admin with one-time codes. It replaces "django.contrib.admin" in INSTALLED_APPS."""

    default = False
    default_site = "swap_user.otp.sites.OTPAdminSite"

    def ready(self) -> None:
        """Register the check that "swap_user" is installed, and discover the admin modules."""
        # Imported here for the same reason as in SwapUserConfig.ready().
        from swap_user.checks.configuration import check_swap_user_installed  # noqa: PLC0415

        checks.register(check_swap_user_installed)
        super().ready()
