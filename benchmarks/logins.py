"""
The worker of ``python -m benchmarks.compare``: log in with right codes.

With ``COMPARE_LIMITED`` in the environment, it makes attempts that the limit of their address
refuses instead. It uses only public names of the package, so that it runs with any revision.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

import django
from django.conf import settings

DIGITS, PERIOD = 6, 30


def main() -> None:
    """Read numbers of logins from standard input, and print the times of the logins as JSON."""
    configure()
    from django.core.cache import cache
    from django.core.management import call_command

    from swap_user.models import Authenticator

    call_command("migrate", verbosity=0, interactive=False)
    clear: Any = cache.clear
    log_in = limited_attempt() if os.environ.get("COMPARE_LIMITED") else prepared()
    log_in()
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            if not os.environ.get("COMPARE_LIMITED"):
                # The same code is used again, so the marks of used codes are removed first.
                Authenticator.objects.update(consumed=-1)
                clear()
            started = time.perf_counter_ns()
            log_in()
            times.append(time.perf_counter_ns() - started)
        print(json.dumps(times), flush=True)


def configure() -> None:
    """Set up Django for the servers in the environment variables."""
    path = Path(os.environ["COMPARE_SQLITE"])
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)}
    if host := os.environ.get("COMPARE_POSTGRES"):
        database = {"ENGINE": "django.db.backends.postgresql", "HOST": host, "USER": "postgres"}
        database |= {"NAME": path.stem, "PASSWORD": "", "PORT": ""}
        _create_database(host, path.stem)
    settings.configure(
        SECRET_KEY="only for the benchmark, and longer than fifty characters, it is",
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "swap_user",
            "swap_user.to_email_otp",
        ],
        AUTH_USER_MODEL="swap_to_email_otp.EmailOTPUser",
        AUTHENTICATION_BACKENDS=["swap_user.backends.OTPBackend"],
        DATABASES={"default": database},
        CACHES={
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": os.environ["COMPARE_REDIS"],
            }
        },
        SWAP_USER={
            "OTP_NOTICES": (),
            "OTP_DISPATCHER": "swap_user.otp.dispatchers.InlineDispatcher",
        },
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        LOGGING_CONFIG=None,
        USE_TZ=True,
    )
    django.setup()
    logging.getLogger("swap_user").addHandler(logging.NullHandler())
    logging.getLogger("swap_user").propagate = False


def _create_database(host: str, name: str) -> None:
    import psycopg

    with psycopg.connect(host=host, user="postgres", dbname="postgres", autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')


def prepared() -> Any:
    """Enroll an authenticator app, and return a function that logs in with its code."""
    import pyotp
    from django.contrib.auth import authenticate, get_user_model
    from django.core.cache import cache
    from django.test import RequestFactory

    from swap_user.models import Authenticator
    from swap_user.otp import enroll

    model: Any = get_user_model()
    user = model.objects.create_user(email="ada@example.com")
    enrollment = enroll(user)
    app = pyotp.TOTP(enrollment.secret, digits=DIGITS, interval=PERIOD)
    enrollment.confirm(app.now())
    Authenticator.objects.update(consumed=-1)
    cache.clear()
    request = RequestFactory().post("/")
    request.session = {}  # type: ignore[assignment]

    def log_in() -> None:
        assert authenticate(request, username="ada@example.com", otp=app.now()) is not None

    return log_in


def limited_attempt() -> Any:
    """Use up the guesses of an address, and return a function that tries one more code."""
    from django.contrib.auth import authenticate
    from django.core.cache import cache
    from django.test import RequestFactory

    from swap_user.otp import limited

    cache.clear()
    names = itertools.count()

    def try_code() -> bool:
        name = f"unknown{next(names)}@example.com"
        request = RequestFactory().post("/", REMOTE_ADDR="203.0.114.1")  # a public one
        request.session = {}  # type: ignore[assignment]
        assert authenticate(request, username=name, otp="000000") is None
        return limited(request) is not None

    while not try_code():
        pass

    def log_in() -> None:
        assert try_code()

    return log_in


if __name__ == "__main__":
    main()
