"""The tests' project with users who have a phone number and a password."""

from tests.settings.base import *  # noqa: F403
from tests.settings.base import OTP_APPS

INSTALLED_APPS = [*OTP_APPS, "swap_user.to_phone"]
AUTH_USER_MODEL = "swap_to_phone.PhoneUser"
AUTHENTICATION_BACKENDS = [
    "swap_user.backends.OTPBackend",
    "django.contrib.auth.backends.ModelBackend",
]
