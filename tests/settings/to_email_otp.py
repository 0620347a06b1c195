"""The tests' project with users who log in with an email and a code."""

from tests.settings.base import *  # noqa: F403
from tests.settings.base import OTP_APPS

INSTALLED_APPS = [*OTP_APPS, "swap_user.to_email_otp"]
AUTH_USER_MODEL = "swap_to_email_otp.EmailOTPUser"
AUTHENTICATION_BACKENDS = ["swap_user.backends.OTPBackend"]
