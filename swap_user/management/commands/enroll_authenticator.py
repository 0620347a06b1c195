import io
from typing import Any

import segno
from django.core.management.base import BaseCommand, CommandError, CommandParser

from swap_user.management.terminal import can_show, write
from swap_user.management.users import get_user
from swap_user.otp.exceptions import InvalidCode, LoginUnavailable
from swap_user.otp.masked import Masked
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
        self._show(enrollment)
        self._confirm(enrollment)
        self._write(
            f"{user.get_username()} can now log in with {enrollment.authenticator}.",
            otherwise="but the authenticator was enrolled",
        )

    def _show(self, enrollment: Enrollment) -> None:
        """Print the QR code if the terminal can show it, and what can be used in its place."""
        picture = io.StringIO()
        segno.make(enrollment.provisioning_uri, micro=False, error="l").terminal(
            picture, compact=True
        )
        if can_show(self.stdout, picture.getvalue()):
            self._write(f"{picture.getvalue()}\nScan the QR code with an authenticator app,")
        else:
            self._write("This terminal can't show the QR code. In an authenticator app,")
        self._write(Masked(f"or open {enrollment.provisioning_uri}"))
        self._write(Masked(f"or type the secret {enrollment.secret}\n\n"))

    def _write(self, text: str, *, otherwise: str = "nothing was enrolled") -> None:
        write(self.stdout, text, otherwise=otherwise)

    def _confirm(self, enrollment: Enrollment) -> None:
        for left in reversed(range(TRIES)):
            try:
                code = Masked(input("Code in the app: "))
            except (EOFError, KeyboardInterrupt, OSError, RuntimeError):  # also closed streams
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
