"""The tests' project with users who log in with a phone number and a code."""

from tests.settings.base import *  # noqa: F403
from tests.settings.base import OTP_APPS

INSTALLED_APPS = [*OTP_APPS, "swap_user.to_phone_otp"]
AUTH_USER_MODEL = "swap_to_phone_otp.PhoneOTPUser"
AUTHENTICATION_BACKENDS = ["swap_user.backends.OTPBackend"]
