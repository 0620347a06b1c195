import io
from typing import Any

import segno
from django.core.management.base import BaseCommand, CommandError, CommandParser

from swap_user.management.users import get_user
from swap_user.otp.exceptions import InvalidCode
from swap_user.otp.verification.enrollment import Enrollment, enroll

TRIES = 3


class Command(BaseCommand):
    """Enroll an authenticator app from the terminal: the first superuser needs no sender."""

    help = "Shows a QR code for an authenticator app and asks for the code that the app shows."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the username, and what kind of authenticator."""
        parser.add_argument("username", help="Email, phone number or name, in any form.")
        parser.add_argument("--type", choices=["totp", "hotp"], default="totp")
        parser.add_argument("--name", default="", help="What to call it.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Enroll."""
        user = get_user(options["username"])
        try:
            enrollment = enroll(user, type=options["type"], name=options["name"])
        except ValueError as error:
            raise CommandError(str(error)) from error
        uri = enrollment.provisioning_uri
        picture = io.StringIO()
        segno.make(uri, micro=False, error="l").terminal(picture, compact=True)
        self.stdout.write(f"{picture.getvalue()}\nScan it with an authenticator app, or open {uri}")
        self.stdout.write(f"or type the secret {enrollment.secret}\n\n")
        self._confirm(enrollment)
        self.stdout.write(
            f"{user.get_username()} can log in with {enrollment.authenticator} from now on."
        )

    def _confirm(self, enrollment: Enrollment) -> None:
        for left in reversed(range(TRIES)):
            try:
                code = input("Code that the app shows: ")
            except (EOFError, KeyboardInterrupt):
                raise CommandError("No code, so nothing was enrolled. Start again.") from None
            try:
                enrollment.confirm(code)
            except InvalidCode:
                if left:
                    self.stderr.write("That is not the code. The next one?")
            else:
                return
        raise CommandError("No right code, so nothing was enrolled. Start again.")
