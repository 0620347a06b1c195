from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from swap_user.otp.authenticators import upgrades
from swap_user.otp.authenticators.rotation import BATCH_SIZE, seal_recovery_codes
from swap_user.otp.authenticators.upgrades import RECOVERY_CODES
from swap_user.otp.sessions import unrecorded


def _finish_recovery_codes(batch_size: int) -> Iterable[Any]:
    return upgrades.finish(RECOVERY_CODES, seal_recovery_codes, batch_size=batch_size)


# For each step, a function that takes the number of rows per transaction, and yields the progress.
STEPS: Mapping[str, Callable[[int], Iterable[Any]]] = {
    RECOVERY_CODES: _finish_recovery_codes,
    unrecorded.NAME: unrecorded.record_existing_sessions,
}


class Command(BaseCommand):
    """Finish an upgrade from an earlier version, once all servers are new."""

    help = (
        "Converts data that an earlier version has written, and refuses the old forms from then "
        "on. Run it once, when all servers and workers run this version. Users can log in "
        "meanwhile. If the command is interrupted, run it again to continue."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the batch size."""
        parser.add_argument(
            "--batch-size",
            type=int,
            default=BATCH_SIZE,
            help="Number of rows per transaction (default: %(default)s).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Take each step that is pending, and print the result."""
        if options["batch_size"] < 1:
            raise CommandError("--batch-size must be at least 1.")
        pending = upgrades.recorded()
        for name, step in STEPS.items():
            if name in pending:
                self._take(name, step(options["batch_size"]))
        if not pending:
            self.stdout.write("The upgrade is already finished.")

    def _take(self, name: str, steps: Iterable[Any]) -> None:
        done = 0
        for progress in steps:
            done = progress.done
            if self.stdout.isatty():
                self.stdout.write(f"\r{name}: {done}/{progress.total}   ", ending="")
        if self.stdout.isatty():
            self.stdout.write("")
        self.stdout.write(f"{name}: {done} converted; the old form is refused now.")
