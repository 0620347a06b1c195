from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from swap_user.management.users import get_user
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.sessions.reset import lift_limits, reset_user


class Command(BaseCommand):
    """Give a user who has lost everything a fresh start."""

    help = (
        "Revokes a user's authenticators and recovery codes, ends their sessions, and lifts the "
        "limits that strangers have used up."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the username."""
        parser.add_argument("username", help="Email, phone number or name, in any form.")
        parser.add_argument(
            "--limits-only",
            action="store_true",
            help="Only lift the limits; everything else stays as it is.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Reset."""
        user = get_user(options["username"])
        if options["limits_only"]:
            self._lift(user)
            return
        try:
            authenticators, codes = reset_user(user)
        except LoginUnavailable as error:
            raise CommandError(
                "Revoked and ended, but the limits are still there, and browsers are still known: "
                "Redis can't be reached. Run this again when it can."
            ) from error
        self.stdout.write(
            f"{user.get_username()}: sessions ended; limits lifted; "
            f"revoked authenticators: {authenticators}, recovery codes: {codes}."
        )

    def _lift(self, user: Any) -> None:
        try:
            lift_limits(user)
        except LoginUnavailable as error:
            raise CommandError("The limits are still there: Redis can't be reached.") from error
        self.stdout.write(f"{user.get_username()}: limits lifted.")
