import time
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from swap_user.otp.authenticators.rotation import BATCH_SIZE, Progress, rotate_keys
from swap_user.otp.authenticators.secrets import keyring


class Command(BaseCommand):
    """Encrypt every stored secret with the first key of OTP_ENCRYPTION_KEYS."""

    help = (
        "Encrypts every stored secret with the first encryption key. Safe beside running logins; "
        "interrupted, it is resumed by running it again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the size of a batch."""
        parser.add_argument(
            "--batch-size",
            type=int,
            default=BATCH_SIZE,
            help="How many secrets one transaction takes (default: %(default)s).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Rotate, saying on a terminal how far it is; elsewhere only how it ended."""
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
            f"({seconds:.1f} s, {progress.rotated / max(seconds, 0.001):.0f} a second)."
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
        f"{len(progress.unreadable)} secrets can't be read ({counts}) and were left as they are. "
        f"Put their key back into OTP_ENCRYPTION_KEYS, or revoke them. The first: {examples}."
    )
