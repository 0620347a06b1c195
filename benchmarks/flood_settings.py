"""Settings of the flood: a project with this package only, which sends codes inline."""

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
    # The measured login is repeated often in a known browser.
    "OTP_LIMITS": {"known_messages_per_account": 1000, "known_messages_per_receiver": 1000},
    # The addresses of the attackers belong to a network for benchmarks (RFC 2544).
    "OTP_PROXIES": 0,
}
