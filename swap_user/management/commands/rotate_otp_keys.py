import time
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from swap_user.otp.authenticators.rotation import BATCH_SIZE, Progress, rotate_keys
from swap_user.otp.authenticators.secrets import keyring


class Command(BaseCommand):
    """Encrypt all stored secrets with the first key of OTP_ENCRYPTION_KEYS."""

    help = (
        "Encrypts all stored secrets with the first encryption key. Users can log in meanwhile. "
        "If the command is interrupted, run it again to continue."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the batch size."""
        parser.add_argument(
            "--batch-size",
            type=int,
            default=BATCH_SIZE,
            help="Number of secrets per transaction (default: %(default)s).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Rotate the keys, and print the result. In a terminal, also print the progress."""
        if options["batch_size"] < 1:
            raise CommandError("--batch-size must be at least 1.")
        started = time.monotonic()
        for progress in rotate_keys(batch_size=options["batch_size"]):
            if self.stdout.isatty():
                self.stdout.write(f"\r{_line(progress, time.monotonic() - started)}", ending="")
        if self.stdout.isatty():
            self.stdout.write("")
        seconds = time.monotonic() - started
        self.stdout.write(
            f"{progress.rotated} secrets now use the key {keyring().primary_id} "
            f"({seconds:.1f} s, {progress.rotated / max(seconds, 0.001):.0f} per second)."
        )
        if progress.unreadable:
            raise CommandError(_unreadable(progress))


def _line(progress: Progress, seconds: float) -> str:
    done = progress.rotated + len(progress.unreadable)
    left = (progress.total - done) * seconds / done if done else 0
    percent = 100 * done // progress.total if progress.total else 100
    return f"{done}/{progress.total} secrets, {percent} %, about {left:.0f} s left   "


def _unreadable(progress: Progress) -> str:
    keys = Counter(progress.unreadable.values())
    counts = ", ".join(f"{count} with the key {key or '?'}" for key, count in keys.items())
    examples = ", ".join(str(pk) for pk in list(progress.unreadable)[:5])
    return (
        f"{len(progress.unreadable)} secrets can't be decrypted ({counts}) and were not changed. "
        "Add their key to OTP_ENCRYPTION_KEYS again, or revoke their authenticators and generate "
        f"new recovery codes. The ids of the first ones: {examples}."
    )
