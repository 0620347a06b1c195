"""The project of the flood: ours alone, with codes that are sent at once."""

from benchmarks.settings import *  # noqa: F403
from benchmarks.settings import SWAP_USER as _OURS

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "swap_user",
]
AUTHENTICATION_BACKENDS = ["swap_user.backends.OTPBackend"]
MIDDLEWARE: list[str] = []
SWAP_USER = _OURS | {
    "OTP_SENDER_CLASS": "swap_user.testing.MemoryOTPSender",
    "OTP_DISPATCHER": "swap_user.otp.dispatchers.InlineDispatcher",
    # The login that is measured is made again and again, in a browser that is known.
    "OTP_SENDS_PER_BROWSER": 1000,
}
