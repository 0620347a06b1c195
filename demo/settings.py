"""Settings of the demo: a shop on SQLite, with the steps of the README and of "Own pages"."""

import os
import secrets
from pathlib import Path

import swap_user
from demo.languages import languages_of

BASE_DIR = Path(__file__).resolve().parent
DATA_DIR = BASE_DIR / ".data"
DATA_DIR.mkdir(mode=0o700, exist_ok=True)


def _secret_key() -> str:
    """Return the secret key of this copy of the demo. The first call creates it."""
    path = DATA_DIR / "secret_key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(50))
    return path.read_text()


SECRET_KEY = _secret_key()
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "demo.urls"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LANGUAGES = languages_of(Path(swap_user.__file__).parent / "locale")
STATIC_URL = "static/"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATA_DIR / "shop.sqlite3",
        "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"},
    }
}

INSTALLED_APPS = [
    "swap_user.apps.OTPSiteConfig",
    "swap_user",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "demo.shop",
]
AUTH_USER_MODEL = "shop.Customer"
AUTHENTICATION_BACKENDS = ["swap_user.backends.OTPBackend"]
SWAP_USER = {
    "OTP_SENDER_CLASS": "demo.shop.senders.DemoSender",
    "OTP_ISSUER": "Harbour Tea",
    "OTP_SIGN_UP": "demo.shop.forms.ShopSignUpForm",
}
LOGIN_URL = "swap_user:login"
LOGIN_REDIRECT_URL = "front"
EMAIL_BACKEND = "demo.shop.mails.MemoryMailBackend"
DEFAULT_FROM_EMAIL = "Harbour Tea <tea@example.com>"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": os.environ.get("REDIS_URL", "redis://127.0.0.1:6379"),
    }
}

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "swap_user.middleware.LoginSessionMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
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

# Only errors are logged, so that the codes are easy to find in the terminal.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"terminal": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["terminal"], "level": "ERROR"},
    "loggers": {"django.server": {"handlers": [], "level": "ERROR"}},
}
