from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from swap_user.management.users import get_user
from swap_user.otp.reset import reset


class Command(BaseCommand):
    """Give a user who has lost everything a fresh start."""

    help = "Revokes a user's authenticators and recovery codes and ends their sessions."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the username."""
        parser.add_argument("username", help="Email, phone number or name, in any form.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Reset."""
        user = get_user(options["username"])
        authenticators, codes = reset(user)
        self.stdout.write(
            f"{user.get_username()}: sessions ended; revoked authenticators: {authenticators}, "
            f"recovery codes: {codes}."
        )
