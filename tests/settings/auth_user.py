"""The tests' project with Django's own user model."""

from tests.settings.base import *  # noqa: F403
from tests.settings.base import OTP_APPS

INSTALLED_APPS = [*OTP_APPS]
AUTH_USER_MODEL = "auth.User"
AUTHENTICATION_BACKENDS = [
    "swap_user.backends.OTPBackend",
    "django.contrib.auth.backends.ModelBackend",
]
