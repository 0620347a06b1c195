"""Settings with one of these models as the user model."""

import os

SECRET_KEY = "only for these tests, and longer than fifty characters, it is"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "swap_user",
    "tests.otp.authenticators.odd_models",
]
AUTH_USER_MODEL = "odd_models." + os.environ["ODD_MODEL"]
AUTHENTICATION_BACKENDS = ["swap_user.backends.OTPBackend"]
SQLITE = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
DATABASES = {"default": SQLITE, "users": SQLITE}
if os.environ["ODD_ROUTER"]:
    DATABASE_ROUTERS = ["tests.otp.authenticators.odd_models.settings.Users"]
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": os.environ["ODD_REDIS"],
    }
}
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGGING_CONFIG = None
SWAP_USER = {"OTP_DISPATCHER": "tests.work.RecordingDispatcher", "OTP_NOTICES": ()}


class Users:
    """Everything is in the second database."""

    def db_for_read(self, model: object, **hints: object) -> str:
        """Read there."""
        return "users"

    def db_for_write(self, model: object, **hints: object) -> str:
        """Write there."""
        return "users"
