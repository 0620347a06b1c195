"""What every test project shares; the modules beside this one each choose a user model.

Chosen by the environment: REDIS_BACKEND (django | django_redis), REDIS_SERVER (valkey |
redis-server) and DATABASE (sqlite | postgres | mariadb). The servers are the tests' own:
conftest.py starts them. Only their addresses are made up here, since pytest-django reads the
settings first.
"""

import os
import tempfile
import uuid
from pathlib import Path

import django

# One folder a run, named before anything exists in it. xdist's workers inherit the name.
RUN_DIR = Path(
    os.environ.setdefault(
        "SWAP_USER_TEST_DIR", f"{tempfile.gettempdir()}/swap-user-tests-{uuid.uuid4().hex[:12]}"
    )
)
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
REDIS_SOCKET = RUN_DIR / f"redis-{WORKER}.sock"

SECRET_KEY = "a secret key that only tests use, long enough for the checks 5Zq!x8"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.urls"
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

OTP_APPS = [
    "swap_user.apps.OTPSiteConfig",
    "swap_user",  # above the app of sessions, whose command clearsessions it extends
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
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
if os.environ.get("DATABASE") == "postgres":
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "postgres",
            "USER": "postgres",
            "HOST": str(RUN_DIR / "postgres"),  # the folder of its socket
        }
    }
elif os.environ.get("DATABASE") == "mariadb":
    import pymysql

    pymysql.install_as_MySQLdb()
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.mysql",
            "NAME": "swap_user",
            "USER": "root",
            "HOST": str(RUN_DIR / "mariadb" / "mariadb.sock"),
            "OPTIONS": {"charset": "utf8mb4"},
            "TEST": {"CHARSET": "utf8mb4"},
        }
    }
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": ":memory:",
            # A file, so that threads and other processes can share it as they do in production.
            "TEST": {"NAME": str(RUN_DIR / "test.sqlite3")},
            "OPTIONS": {
                "timeout": 20,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;",
            },
        }
    }

CACHES = {
    "default": {
        "BACKEND": {
            "django": "django.core.cache.backends.redis.RedisCache",
            "django_redis": "django_redis.cache.RedisCache",
        }[os.environ.get("REDIS_BACKEND", "django")],
        "LOCATION": f"unix://{REDIS_SOCKET}",
    }
}

SWAP_USER = {
    "OTP_SENDER_CLASS": "swap_user.testing.MemoryOTPSender",
    "OTP_DISPATCHER": "swap_user.otp.dispatchers.InlineDispatcher",
    "OTP_PROXIES": 0,  # the address of the test client is a private one
}
if django.VERSION >= (6, 1):
    MAILERS: dict[str, dict[str, object]] = {"default": {}}
