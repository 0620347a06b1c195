import os
from base64 import b64encode
from typing import Any

from django.core.management.base import BaseCommand

from swap_user.otp.crypto.keyring import KEY_BYTES


class Command(BaseCommand):
    """Print a new key for OTP_ENCRYPTION_KEYS and nothing else, so that it can be piped."""

    help = 'Prints a new key for SWAP_USER["OTP_ENCRYPTION_KEYS"].'
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a new key."""
        self.stdout.write(b64encode(os.urandom(KEY_BYTES)).decode())
