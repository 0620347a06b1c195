"""
Measure what ``migrate`` does to logins on a large table of users.

``python -m benchmarks.migrations`` starts a temporary PostgreSQL server, fills it with users in the
tables of version 0.9.8 and then of 1.0.0a1, and runs ``migrate`` while other processes log in. A
login is its statements on the user table: SELECT by address, INSERT of a session, and UPDATE of
``last_login``. They are written in SQL, because the servers that log users in meanwhile run another
version of the code. A tenth of the addresses have capital letters.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

TABLE = "swap_to_email_otp_emailotpuser"
APP = "swap_to_email_otp"

# Locks that a login waits for: it needs ROW SHARE and ROW EXCLUSIVE.
BLOCKING = ("ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock")

STATES = {
    "0.9.8": "0001_initial",
    "1.0.0a1": "0005_case_insensitive_email",
}


def main() -> None:
    """Measure the upgrade from both versions, and print the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.migrations", description=__doc__)
    parser.add_argument("--users", type=int, default=1_000_000, help="default: %(default)s")
    parser.add_argument("--rate", type=int, default=20, help="logins per second; default: 20")
    options = parser.parse_args()
    print(f"{options.users:,} users, {options.rate} logins per second\n")
    print("| from | logins before | migrate | logins during it | slowest | longest lock |")
    print("| --- | --- | --- | --- | --- | --- |")
    for state in STATES:
        _run(state, options)


def _run(state: str, options: argparse.Namespace) -> None:
    from services.postgres import PostgresServer
    from services.redis import RedisServer

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="swap-user-bench-")))
        folder.chmod(0o755)  # PostgreSQL runs as another user
        redis = stack.enter_context(RedisServer())
        stack.enter_context(PostgresServer(folder / "postgres"))
        os.environ.update(
            DJANGO_SETTINGS_MODULE="benchmarks.large_settings",
            BENCHMARK_USER_MODEL="swap_to_email_otp.EmailOTPUser",
            BENCHMARK_REDIS=redis.url,
            BENCHMARK_POSTGRES=str(folder / "postgres"),
        )
        connect = _connector(folder / "postgres")
        target = STATES[state]
        _manage("migrate", "sessions")
        _manage("migrate", APP, target)
        if state != "0.9.8":
            _manage("migrate", "swap_user", "0002")
        with connect() as connection:
            _fill(connection, options.users, state)
        traffic = _Traffic(connect, options.users, options.rate)
        with traffic:
            time.sleep(10)
            before = traffic.take()
            locks = _Locks(connect)
            with locks:
                began = time.monotonic()
                _manage("migrate")
                took = time.monotonic() - began
            time.sleep(1)
            during = traffic.take()
        print(
            f"| {state} | median {statistics.median(before) * 1000:.1f} ms, slowest "
            f"{max(before) * 1000:.0f} ms | {took:.0f} s | {len(during):,}, median "
            f"{statistics.median(during) * 1000:.1f} ms | {max(during) * 1000:.0f} ms | "
            f"{locks.longest * 1000:.0f} ms ({locks.mode or 'none seen'}) |",
            flush=True,
        )


def _manage(*arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "django", *arguments, "--verbosity=0", "--skip-checks"],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def _connector(folder: Path) -> Callable[[], Any]:
    import psycopg

    return lambda: psycopg.connect(
        host=str(folder), user="postgres", dbname="postgres", autocommit=True
    )


def _fill(connection: Any, users: int, state: str) -> None:
    """Write the users, and for the alpha give the column its earlier form."""
    columns, values = "email, is_superuser, is_active, is_staff", "name, false, true, false"
    if state == "1.0.0a1":
        columns, values = f"{columns}, security_stamp", f"{values}, md5(n::text)"
    capital = "n % 10 = 0" if state == "0.9.8" else "false"
    connection.execute(
        f"INSERT INTO {TABLE} ({columns}) SELECT {values} FROM (SELECT n, CASE WHEN {capital} "
        "THEN 'User' ELSE 'user' END || n || '@example.com' AS name "
        f"FROM generate_series(1, {users}) AS n) AS made"
    )
    if state == "1.0.0a1":
        connection.execute(f"ALTER TABLE {TABLE} ALTER COLUMN security_stamp SET NOT NULL")
    connection.execute("VACUUM ANALYZE")


class _Traffic:
    """Logs random users in."""

    def __init__(self, connect: Callable[[], Any], users: int, rate: int) -> None:
        self._connect, self._users, self._rate = connect, users, rate
        self._times: list[float] = []
        self._stop = threading.Event()
        # One thread for each login of a second: one that waits does not keep the others waiting.
        self._threads = [threading.Thread(target=self._log_in) for _ in range(rate)]

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def take(self) -> list[float]:
        """Return the times of the logins since the last call, in seconds."""
        times, self._times = self._times, []
        return times

    def _log_in(self) -> None:
        with self._connect() as connection:
            time.sleep(random.random())
            while not self._stop.is_set():
                number = random.randint(1, self._users)
                began = time.monotonic()
                found = connection.execute(
                    f"SELECT id FROM {TABLE} WHERE email IN (%s, %s)",
                    [f"user{number}@example.com", f"User{number}@example.com"],
                ).fetchone()
                connection.execute(
                    "INSERT INTO django_session VALUES (md5(random()::text), 'data', now())"
                )
                connection.execute(f"UPDATE {TABLE} SET last_login = now() WHERE id = %s", found)
                spent = time.monotonic() - began
                self._times.append(spent)
                self._stop.wait(max(0, 1 - spent))


# The interval at which locks are looked at, in seconds.
_EVERY = 0.005


class _Locks:
    """Watches which locks on the user table other backends hold or wait for."""

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect = connect
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.longest, self.mode = 0.0, ""

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        query = (
            "SELECT pid, mode FROM pg_locks JOIN pg_class ON pg_class.oid = relation "
            f"WHERE relname = '{TABLE}' AND mode = ANY(%s) AND pid <> pg_backend_pid()"
        )
        since: dict[Any, float] = {}
        with self._connect() as connection:
            while not self._stop.wait(_EVERY):
                now = time.monotonic()
                # Also a lock that is waited for blocks the logins behind it.
                held = set(connection.execute(query, [list(BLOCKING)]).fetchall())
                since = {each: since.get(each, now) for each in held}
                for (_, mode), first in since.items():
                    # It was taken after the look before it was first seen.
                    seen = now - first + _EVERY
                    if seen >= self.longest:
                        self.longest, self.mode = seen, mode


if __name__ == "__main__":
    main()
