from typing import Any

from django.apps import apps
from django.core.management.commands.migrate import Command as MigrateCommand


class Command(MigrateCommand):
    """
    Django's migrate, which also understands an OTP project that asks for its password sibling.

    The installation steps have always said ``migrate swap_to_email``, under the OTP models too.
    Logging in takes more tables than the user's, so then everything is migrated.
    """

    def handle(self, *args: Any, **options: Any) -> str | None:
        """Migrate."""
        label = options["app_label"]
        if (
            label in ("swap_to_email", "swap_to_phone")
            and not options["migration_name"]
            and label not in apps.app_configs
            and f"{label}_otp" in apps.app_configs
        ):
            options["app_label"] = None
            if options["verbosity"] >= 1:
                self.stdout.write(
                    f"This project has {label}_otp in place of {label}: migrating all apps."
                )
        return super().handle(*args, **options)
