from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from swap_user.management.terminal import write
from swap_user.management.users import get_user
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.sessions.reset import lift_limits, reset_user


class Command(BaseCommand):
    """Reset a user who has lost all sign-in methods."""

    help = (
        "Revokes a user's authenticators, recovery codes and known browsers, ends their sessions, "
        "and lifts the limits on wrong codes and on messages to unknown browsers."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the username and --limits-only."""
        parser.add_argument("username", help="The username, in any case or form.")
        parser.add_argument(
            "--limits-only",
            action="store_true",
            help="Lift the limits only, and change nothing else.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Reset the user, or lift their limits."""
        user = get_user(options["username"])
        if options["limits_only"]:
            self._lift(user)
            return
        try:
            authenticators, codes = reset_user(user)
        except LoginUnavailable as error:
            raise CommandError(
                "The authenticators, recovery codes and known browsers are revoked, and the "
                "sessions in the database are ended. Sessions in a cache may not be ended, and "
                "the limit on messages to the user's address is not lifted, because Redis can't "
                "be reached. Run the command again when Redis is available."
            ) from error
        write(
            self.stdout,
            f"{user.get_username()}: sessions ended; limits lifted; "
            f"revoked authenticators: {authenticators}, recovery codes: {codes}.",
            otherwise="but the user was reset",
        )

    def _lift(self, user: Any) -> None:
        try:
            lift_limits(user)
        except LoginUnavailable as error:
            raise CommandError(
                "The limits on wrong codes are lifted. The limit on messages to the user's address "
                "is not, because Redis can't be reached. Run the command again when Redis is "
                "available."
            ) from error
        text = f"{user.get_username()}: limits lifted."
        write(self.stdout, text, otherwise="but the limits were lifted")
