"""
Measure how long ``end_sessions`` takes beside many sessions of others.

``python -m benchmarks.sessions`` starts temporary Valkey and PostgreSQL servers. It measures each
user model on SQLite and PostgreSQL, each in a process of its own.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

USER_MODELS = [
    "auth.User",
    "swap_to_email.EmailUser",
    "swap_to_phone.PhoneUser",
    "swap_to_email_otp.EmailOTPUser",
    "swap_to_phone_otp.PhoneOTPUser",
]
OWNERS = 1000
ROUNDS = 30


def main() -> None:
    """Measure, and print one row for each user model and database."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sessions", description=__doc__)
    parser.add_argument("--sessions", type=int, default=100_000, help="default: %(default)s")
    parser.add_argument("--own", type=int, default=10, help="of the user; default: %(default)s")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        _measure(options.sessions, options.own)
        return
    print(f"end_sessions() of a user with {options.own} sessions, beside {options.sessions:,}")
    print("| user model | database | median | slowest |\n| --- | --- | --- | --- |")
    for model in USER_MODELS:
        for database in ("sqlite", "postgres"):
            _run(model, database, options)


def _run(model: str, database: str, options: argparse.Namespace) -> None:
    from services.postgres import PostgresServer
    from services.redis import RedisServer

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="swap-user-bench-")))
        folder.chmod(0o755)  # PostgreSQL runs as another user
        redis = stack.enter_context(RedisServer())
        env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "benchmarks.large_settings",
            "BENCHMARK_USER_MODEL": model,
            "BENCHMARK_REDIS": redis.url,
            "BENCHMARK_SQLITE": str(folder / "db.sqlite3"),
        }
        if database == "postgres":
            stack.enter_context(PostgresServer(folder / "postgres"))
            env["BENCHMARK_POSTGRES"] = str(folder / "postgres")
        arguments = ["--measure", f"--sessions={options.sessions}", f"--own={options.own}"]
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.sessions", *arguments],
            env=env,
            check=True,
            capture_output=True,
            text=True,
        )
        print(f"| {model} | {database} | {done.stdout.strip()} |", flush=True)


def _measure(sessions: int, own: int) -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from swap_user.otp import end_sessions

    call_command("migrate", verbosity=0, interactive=False)
    first, *others = _users()
    _make_sessions(others, sessions)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    times = []
    for _ in range(ROUNDS):
        _make_sessions([first], own)
        began = time.perf_counter()
        end_sessions(first)
        times.append(time.perf_counter() - began)
    print(f"{statistics.median(times) * 1000:.1f} ms | {max(times) * 1000:.1f} ms")


def _users() -> list[Any]:
    from django.contrib.auth import get_user_model

    model = get_user_model()
    names = {
        "email": "user{}@example.com",
        "phone": "+4915112{:06}",
        "username": "user{}",
    }
    name = names[model.USERNAME_FIELD]
    users = [model(**{model.USERNAME_FIELD: name.format(n)}) for n in range(OWNERS)]
    return list(model.objects.bulk_create(users))


def _make_sessions(users: list[Any], count: int) -> None:
    """Write sessions and their records, as logins do."""
    from datetime import timedelta

    from django.contrib.sessions.backends.db import SessionStore
    from django.contrib.sessions.models import Session
    from django.utils import timezone
    from django.utils.crypto import get_random_string

    from swap_user.models import LoginSession

    end = timezone.now() + timedelta(days=14)
    data = {
        user.pk: SessionStore().encode({"_auth_user_id": str(user.pk), "_auth_user_hash": "x" * 64})
        for user in users
    }
    for start in range(0, count, 5000):
        sessions, rows = [], []
        for number in range(start, min(start + 5000, count)):
            user, key = users[number % len(users)], get_random_string(32, "abcdefghij0123456789")
            sessions.append(Session(session_key=key, session_data=data[user.pk], expire_date=end))
            rows.append(LoginSession(user=user, session_key=key, expires_at=end))
        Session.objects.bulk_create(sessions)
        LoginSession.objects.bulk_create(rows)


if __name__ == "__main__":
    main()
