from contextlib import suppress
from typing import Any

from django.core.management.base import BaseCommand

from swap_user.management.expiry import tidy_browsers, tidy_records
from swap_user.management.shadowed import shadowed_command
from swap_user.otp.accounts import way_back
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.sessions import engines
from swap_user.otp.throttling import messages, wrong_guesses


class Command(shadowed_command("clearsessions", BaseCommand)):  # type: ignore[misc]
    """Django's ``clearsessions``, which also deletes records that are not used any more."""

    help = (
        "Deletes expired sessions, the records of sessions that are gone, known browsers and wrong "
        "guesses after a year, counts of messages after their period, and changes of address "
        "after a week. Blanks the browsers and "
        "networks that are older than OTP_SESSION_RETENTION. Run it daily."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Delete expired sessions, and then their records."""
        # Without the app of sessions there is no command to extend.
        if type(self).__mro__[1] is not BaseCommand:
            super().handle(*args, **options)
            if not engines.has_keys():  # those of apps are in the database
                engines.app_store_class().clear_expired()
        deleted, blanked = tidy_records()
        browsers, guesses, counts = tidy_browsers(), 0, 0
        changes = way_back.prune()
        with suppress(LoginUnavailable):  # then they are deleted the next time
            guesses, counts = wrong_guesses.prune(), messages.prune()
        if options["verbosity"] >= 1:
            self.stdout.write(f"Records of sessions: {deleted} deleted, {blanked} blanked.")
            self.stdout.write(f"Known browsers: {browsers} deleted. Wrong guesses: {guesses}.")
            self.stdout.write(f"Counts of messages: {counts} deleted.")
            self.stdout.write(f"Changes of address: {changes} deleted.")
