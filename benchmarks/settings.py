"""The one project in which all contestants run, on the same users, database and cache."""

import os

USER_MODEL = os.environ.get("BENCHMARK_USER_MODEL", "auth.User")

SECRET_KEY = "a secret key that only benchmarks use, long enough for the checks 5Zq!x8"
DEBUG = False
USE_TZ = True
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "benchmarks.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "swap_user",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
]
if USER_MODEL.startswith("swap_to_"):
    INSTALLED_APPS.append("swap_user." + USER_MODEL.split(".")[0].removeprefix("swap_"))
    ACCOUNT_USER_MODEL_USERNAME_FIELD = None
    ACCOUNT_LOGIN_METHODS = {"email"}
    ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
AUTH_USER_MODEL = USER_MODEL
AUTHENTICATION_BACKENDS = [
    "swap_user.backends.OTPBackend",
    "django.contrib.auth.backends.ModelBackend",
]
# allauth asks for this one.
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]

DATABASES: dict[str, dict[str, object]]
if os.environ.get("BENCHMARK_POSTGRES"):
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "postgres",
            "USER": "postgres",
            "HOST": os.environ["BENCHMARK_POSTGRES"],  # the folder of its socket
        }
    }
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ.get("BENCHMARK_SQLITE", ":memory:"),
            "OPTIONS": {
                "timeout": 20,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            },
        }
    }
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": os.environ.get("BENCHMARK_REDIS", "redis://127.0.0.1:6379"),
    }
}

# Each accepts the step before and the step after, as we and django-otp do by default.
MFA_TOTP_TOLERANCE = 1

SWAP_USER = {"OTP_SENDER_CLASS": "swap_user.testing.MemoryOTPSender"}

# Our log lines are formatted and written, as on a site, but not to the screen.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {
        "file": {
            "class": "logging.FileHandler",
            "filename": os.devnull,
            "formatter": "line",
        }
    },
    "root": {"handlers": ["file"], "level": "INFO"},
}
