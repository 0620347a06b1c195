from typing import Any

from django.apps import apps
from django.core.management.commands.migrate import Command as DjangoCommand

from swap_user.management.shadowed import shadowed_command


class Command(shadowed_command("migrate", DjangoCommand)):  # type: ignore[misc]
    """
    ``migrate`` that also accepts the label ``swap_to_email`` in a project with ``to_email_otp``.

    The installation steps of earlier versions use this label for both apps. The command then
    migrates all apps, because a login needs more tables than the one of the user model. The label
    ``swap_to_phone`` is accepted in the same way.
    """

    def handle(self, *args: Any, **options: Any) -> Any:
        """Run the migrations, of all apps if the label is that of the other app."""
        label = options.get("app_label")
        if (
            label in {"swap_to_email", "swap_to_phone"}
            and not options.get("migration_name")
            and label not in apps.app_configs
            and f"{label}_otp" in apps.app_configs
        ):
            options["app_label"] = None
            if options["verbosity"] >= 1:
                self.stdout.write(f"This project has {label}_otp, not {label}. Migrating all apps.")
        return super().handle(*args, **options)
