"""A project with one of these models as its user model."""

import os

from tests.settings import base

MODEL = os.environ["OWN_MODEL"]
CHARSET = "utf8mb4" if os.environ.get("DATABASE") == "mariadb" else None

SECRET_KEY = "only for these tests, and longer than fifty characters, it is"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "swap_user.apps.OTPSiteConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "swap_user",
    "tests.users.own_models",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ROOT_URLCONF = "tests.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTH_USER_MODEL = f"own_models.{MODEL}"
AUTHENTICATION_BACKENDS = [
    "swap_user.backends.OTPBackend",
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
if os.environ.get("DATABASE") in {"postgres", "mariadb"}:
    NAME = f"own_{os.getpid()}"
    DATABASES["default"] = base.DATABASES["default"] | {"TEST": {"NAME": NAME, "CHARSET": CHARSET}}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": os.environ["OWN_REDIS"],
    }
}
USE_TZ = True
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGGING_CONFIG = None
PHONENUMBER_DB_FORMAT = os.environ.get("OWN_PHONE_FORMAT", "E164")
PHONENUMBER_DEFAULT_FORMAT = os.environ.get("OWN_PHONE_FORMAT", "E164")
PHONENUMBER_DEFAULT_REGION = "CH"
SWAP_USER = {
    "OTP_SENDER_CLASS": "swap_user.testing.MemoryOTPSender",
    "OTP_DISPATCHER": "swap_user.otp.dispatchers.InlineDispatcher",
    "OTP_NOTICES": (),
    "OTP_RESEND_INTERVAL": 0,
    "OTP_LIMITS": {"messages_per_account": 100},
}
