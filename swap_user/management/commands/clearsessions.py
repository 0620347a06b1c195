from typing import Any

from django.core.management.base import BaseCommand

from swap_user.management.shadowed import shadowed_command
from swap_user.otp.sessions.expiry import tidy_records


class Command(shadowed_command("clearsessions", BaseCommand)):  # type: ignore[misc]
    """Django's ``clearsessions``, which also deletes the records of sessions that are gone."""

    help = (
        "Deletes expired sessions and the records of sessions that are gone, and blanks the "
        "browsers and networks that are older than OTP_SESSION_RETENTION. Run it daily."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Delete expired sessions, and then their records."""
        # Without the app of sessions there is no command to extend.
        if type(self).__mro__[1] is not BaseCommand:
            super().handle(*args, **options)
        deleted, blanked = tidy_records()
        if options["verbosity"] >= 1:
            self.stdout.write(f"Records of sessions: {deleted} deleted, {blanked} blanked.")
