"""Settings of the project in which all contestants run, with the same database and cache."""

import os

import django

USER_MODEL = os.environ.get("BENCHMARK_USER_MODEL", "auth.User")

SECRET_KEY = "a secret key that only benchmarks use, long enough for the checks 5Zq!x8"
DEBUG = False
USE_TZ = True
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "benchmarks.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "swap_user.apps.OTPSiteConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
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
STATIC_URL = "static/"
# allauth requires the last one.
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
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

DATABASES: dict[str, dict[str, object]]
if os.environ.get("BENCHMARK_POSTGRES"):
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "postgres",
            "USER": "postgres",
            "HOST": os.environ["BENCHMARK_POSTGRES"],  # the folder of its socket
            "CONN_MAX_AGE": None,
        }
    }
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ.get("BENCHMARK_SQLITE", ":memory:"),
            "CONN_MAX_AGE": None,
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

# Accept the previous and the next time step, like this package and django-otp by default.
MFA_TOTP_TOLERANCE = 1

SWAP_USER = {
    # The addresses of visitors are private ones, and there is no proxy.
    "OTP_PROXIES": 0,
    "OTP_SENDER_CLASS": "swap_user.otp.senders.EmailOTPSender",
    # Otherwise using up the guesses at a thousand accounts would send a thousand notices.
    "OTP_NOTICES": [],
}
_MAIL = {"host": "127.0.0.1", "port": int(os.environ.get("BENCHMARK_SMTP_PORT", "25"))}
if django.VERSION >= (6, 1):
    _SMTP = "django.core.mail.backends.smtp.EmailBackend"
    MAILERS = {"default": {"BACKEND": _SMTP, "OPTIONS": _MAIL}}
else:
    EMAIL_HOST, EMAIL_PORT = _MAIL["host"], _MAIL["port"]

# Log lines are formatted and written as in production, but to the null device.
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
