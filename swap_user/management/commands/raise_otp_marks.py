import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from swap_user.management.users import get_user
from swap_user.otp.verification import restoring


class Command(BaseCommand):
    """Refuse codes that were used after the backup from which the database was restored."""

    help = (
        "Run it after the database was restored from a backup, before users log in: it refuses "
        "all codes that were sent or shown by time-based apps until now."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the usernames, and --recovery-codes."""
        parser.add_argument("username", nargs="*", help="Usernames; without any, all users.")
        parser.add_argument(
            "--recovery-codes",
            action="store_true",
            help="Also mark all unused recovery codes of these users as used.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Raise the marks, and print what can't be raised."""
        users = [get_user(username).pk for username in options["username"]] or None
        used = restoring.use_recovery_codes(users) if options["recovery_codes"] else 0
        restored = restoring.raise_marks(now=time.time(), users=users)
        self.stdout.write(f"Raised marks of authenticators: {restored.raised}.")
        if used:
            self.stdout.write(f"Recovery codes marked as used: {used}.")
        if restored.counter_based:
            self.stdout.write(
                f"Counter-based authenticators: {restored.counter_based}. Codes that were used "
                "after the backup are accepted until their owner logs in with a later one."
            )
        if restored.recovery_codes:
            self.stdout.write(
                f"Unused recovery codes: {restored.recovery_codes}. Those that were used after "
                "the backup are accepted again. --recovery-codes marks them all as used."
            )
