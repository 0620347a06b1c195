"""A site that accepts messages and delivers them by SMTP. Addresses come from the environment."""

import os

import django

SECRET_KEY = "a secret key that only this benchmark uses, long enough for the checks 7Kd?w2"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "benchmarks.servers.site"
WSGI_APPLICATION = "benchmarks.servers.wsgi.application"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "swap_user.apps.OTPSiteConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "swap_user",
    "swap_user.to_email_otp",
]
if os.environ.get("SERVER") == "daphne runserver":
    INSTALLED_APPS.insert(0, "daphne")
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ASGI_APPLICATION = "benchmarks.servers.asgi.application"
AUTH_USER_MODEL = "swap_to_email_otp.EmailOTPUser"
AUTHENTICATION_BACKENDS = ["swap_user.backends.OTPBackend"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("SERVERS_DATABASE", ":memory:"),
        "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"},
    }
}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": os.environ.get("SERVERS_REDIS", "redis://127.0.0.1:6379"),
    }
}
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
SWAP_USER = {
    "OTP_SENDER_CLASS": "swap_user.otp.senders.EmailOTPSender",
    "OTP_CLIENT_ADDRESS_HEADER": "X-Forwarded-For",
}
_smtp = {"host": "127.0.0.1", "port": int(os.environ.get("SERVERS_SMTP_PORT", "25"))}
if django.VERSION >= (6, 1):
    MAILERS = {
        "default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": _smtp}
    }
else:
    EMAIL_HOST, EMAIL_PORT = _smtp["host"], _smtp["port"]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {
        "file": {
            "class": "logging.FileHandler",
            "filename": os.environ.get("SERVERS_LOG", os.devnull),
        }
    },
    "loggers": {"swap_user.security": {"handlers": ["file"], "level": "INFO"}},
}
