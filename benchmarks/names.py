"""
Fill Redis with made-up usernames: ``python -m benchmarks.names --names 1000000``.

For each of many usernames without an account, a code is requested, and a short and a long code are
tried, from 10,000 addresses, as fast as this machine can. The program prints the memory use of
Redis at its peak and two days later, and the number of rows that were written. Two days pass at
once: all keys of Redis get older by them. The program starts a temporary Valkey server and removes
it at the end. With a million names, it takes about half an hour.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

MOST = 256 * 2**20
"""Memory that Redis may use at its peak, in bytes."""

MOST_LATER = 16
"""Memory that Redis may use for each name two days later, in bytes."""

MOST_ROWS = 1024
"""Rows that may be written for names without an account."""

TWO_DAYS = 2 * 86_400


def main() -> None:
    """Measure, and print the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.names", description=__doc__)
    parser.add_argument("--names", type=int, default=1_000_000, help="default: %(default)s")
    parser.add_argument("--addresses", type=int, default=10_000, help="default: %(default)s")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--bars", action="store_true", help="exit with 1 if a bar is missed")
    options = parser.parse_args()
    from benchmarks.flood import setup
    from services.redis import RedisServer

    folder = tempfile.TemporaryDirectory(prefix="swap-user-names-")
    with folder as name, RedisServer() as redis:
        os.environ["BENCHMARK_REDIS"] = redis.url
        os.environ["BENCHMARK_SQLITE"] = str(Path(name) / "db.sqlite3")
        os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.flood_settings"
        setup()
        if not _measure(options) and options.bars:
            sys.exit(1)


def _measure(options: argparse.Namespace) -> bool:
    """Measure, and return whether all bars were met."""
    import redis

    from benchmarks.flood import forget_connections
    from services.aging import age

    with redis.Redis.from_url(os.environ["BENCHMARK_REDIS"]) as client:
        _try_names(range(1), options.addresses)  # loads the scripts
        before = _memory(client)["used_memory"]
        forget_connections()
        began = time.monotonic()
        fork = multiprocessing.get_context("fork")
        shares = [
            range(number, options.names, options.processes) for number in range(options.processes)
        ]
        workers = [
            fork.Process(target=_try_names, args=(each, options.addresses)) for each in shares
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if any(worker.exitcode for worker in workers):
            sys.exit("a process has failed")
        peak, keys = _memory(client)["used_memory_peak"], client.dbsize()
        minutes = (time.monotonic() - began) / 60
        print(
            f"{options.names:,} made-up names asked for and tried with a short and a long code, "
            f"from {options.addresses:,} addresses, in {minutes:.1f} minutes"
        )
        age(client, TWO_DAYS)
        time.sleep(2)  # the server makes its tables smaller in the background
        later = max(0, _memory(client)["used_memory"] - before) / options.names
        left = client.dbsize()
    rows = _rows()
    results = [
        (f"Redis at its peak: {peak / 2**20:.1f} MiB; {keys:,} keys at the end", peak <= MOST),
        (f"two days later: {later:.2f} bytes a name, {left:,} keys", later <= MOST_LATER),
        (f"rows of wrong guesses: {rows:,}", rows <= MOST_ROWS),
    ]
    for text, is_met in results:
        print(f"{'ok    ' if is_met else 'MISSED'} {text}")
    return all(is_met for _, is_met in results)


def _try_names(numbers: range, addresses: int) -> None:
    from django.contrib.auth import authenticate

    from benchmarks.flood import request_from
    from swap_user.otp import send_code

    for number in numbers:
        place = number % addresses
        request = request_from(f"198.{18 + place // 62_500}.{place // 250 % 250}.{place % 250 + 1}")
        name = f"unknown{number}@example.com"
        send_code(request, name)
        authenticate(request, username=name, otp="000000")
        authenticate(request, username=name, otp="9" * 10)


def _memory(client: Any) -> dict[str, int]:
    return client.info("memory")  # type: ignore[no-any-return]


def _rows() -> int:
    from swap_user.models import WrongGuess

    return WrongGuess.objects.count()


if __name__ == "__main__":
    main()
