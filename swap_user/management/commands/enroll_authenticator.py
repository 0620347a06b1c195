import io
from typing import Any

import segno
from django.core.management.base import BaseCommand, CommandError, CommandParser

from swap_user.management.users import get_user
from swap_user.otp.exceptions import InvalidCode, LoginUnavailable
from swap_user.otp.verification.enrollment import Enrollment, enroll

TRIES = 3


class Command(BaseCommand):
    """Enroll an authenticator in the terminal, for example before the site can send email."""

    help = "Shows a QR code for an authenticator app and asks for the code that the app shows."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the username, and the type and name of the authenticator."""
        parser.add_argument("username", help="The username, in any case or form.")
        parser.add_argument(
            "--type",
            choices=["totp", "hotp"],
            default="totp",
            help="Time-based (totp, the default) or counter-based (hotp).",
        )
        parser.add_argument("--name", default="", help="A name for the authenticator.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Enroll the authenticator."""
        user = get_user(options["username"])
        try:
            enrollment = enroll(user, type=options["type"], name=options["name"])
        except ValueError as error:
            raise CommandError(str(error)) from error
        uri = enrollment.provisioning_uri
        picture = io.StringIO()
        segno.make(uri, micro=False, error="l").terminal(picture, compact=True)
        self.stdout.write(f"{picture.getvalue()}\nScan the QR code with an authenticator app,")
        self.stdout.write(f"or open {uri}")
        self.stdout.write(f"or type the secret {enrollment.secret}\n\n")
        self._confirm(enrollment)
        self.stdout.write(f"{user.get_username()} can now log in with {enrollment.authenticator}.")

    def _confirm(self, enrollment: Enrollment) -> None:
        for left in reversed(range(TRIES)):
            try:
                code = input("Code in the app: ")
            except (EOFError, KeyboardInterrupt):
                raise CommandError(
                    "No code was entered, so nothing was enrolled. Run the command again."
                ) from None
            try:
                enrollment.confirm(code)
            except InvalidCode:
                if left:
                    self.stderr.write("The code is wrong. Enter the next code of the app.")
            except LoginUnavailable as error:
                raise CommandError(
                    "Redis can't be reached, so nothing was enrolled. Run the command again."
                ) from error
            else:
                return
        raise CommandError("The codes were wrong, so nothing was enrolled. Run the command again.")
