"""
Measure a flood of wrong codes for one account: ``python -m benchmarks.flood``.

Several processes try wrong codes for one account for a minute, as fast as this machine can. The
program prints the number of attempts, the time of another user's login before and during the
flood, and the memory use of Redis before and after it. Then a code is requested and tried for
100,000 usernames without an account, and the memory use is printed again. The program starts a
temporary Valkey server and removes it at the end.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

VICTIM, OTHER = "victim@example.com", "other@example.com"
ADDRESSES = 1000


def main() -> None:
    """Measure, and print the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flood", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="default: %(default)s")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--names", type=int, default=100_000, help="default: %(default)s")
    parser.add_argument(
        "--logins", type=int, default=200, help="before the flood; default: %(default)s"
    )
    parser.add_argument(
        "--rate", type=int, default=10_000, help="attempts per second of all processes together"
    )
    options = parser.parse_args()
    from services.redis import RedisServer

    folder = tempfile.TemporaryDirectory(prefix="swap-user-flood-")
    with folder as name, RedisServer() as redis:
        os.environ["BENCHMARK_REDIS"] = redis.url
        os.environ["BENCHMARK_SQLITE"] = str(Path(name) / "db.sqlite3")
        os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.flood_settings"
        setup()
        _measure(options)


def setup() -> None:
    """Create the tables and two accounts."""
    import django

    django.setup()
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.db import connections

    from swap_user.models import Authenticator
    from swap_user.otp.authenticators.secrets import seal

    call_command("migrate", verbosity=0, interactive=False)
    for number, name in enumerate((VICTIM, OTHER)):
        user = get_user_model().objects.create(username=name, email=name)
        app = Authenticator(user=user, type=Authenticator.Type.TOTP)
        seal(app, "ABCDEFGH"[number] * 32)
        app.save()
    connections.close_all()


def _measure(options: argparse.Namespace) -> None:
    _report("before the flood", [_login() for _ in range(options.logins)])
    print(f"Redis: {_redis()}")
    fork = multiprocessing.get_context("fork")
    queue, stop = fork.Queue(), fork.Event()
    forget_connections()
    share = options.rate / options.processes
    attackers = [
        fork.Process(target=_attack, args=(each, share, stop, queue), daemon=True)
        for each in range(options.processes)
    ]
    for attacker in attackers:
        attacker.start()
    times, began = [], time.monotonic()
    while time.monotonic() - began < options.seconds:
        times.append(_login())
        time.sleep(0.1)
    stop.set()
    spent = time.monotonic() - began
    counts = [queue.get(timeout=60) for _ in attackers]
    for attacker in attackers:
        attacker.join(timeout=60)
    made, limited = (sum(each) for each in zip(*counts, strict=True))
    print(
        f"\n{made:,} attempts in {spent:.0f} s from {options.processes} processes: "
        f"{made / spent:,.0f} per second (at most {options.rate:,}); {limited:,} were limited by "
        "their address"
    )
    _report("during the flood", times)
    print(f"Redis: {_redis()}")
    _unknown_names(options.names)


def _report(when: str, times: list[float]) -> None:
    ordered = sorted(times)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    print(
        f"another user's login {when}: median {statistics.median(times) * 1000:.1f} ms, "
        f"95 % within {p95 * 1000:.1f} ms ({len(times)} logins)"
    )


def request_from(address: str) -> Any:
    """Return a request in a new session."""
    from django.contrib.sessions.backends.signed_cookies import SessionStore
    from django.http import HttpRequest

    request = HttpRequest()
    request.META = {"REMOTE_ADDR": address, "SERVER_NAME": "testserver", "SERVER_PORT": "80"}
    request.session = SessionStore()
    return request


_COOKIES: dict[str, str] = {}


def _login() -> float:
    """Request a code and enter it, and return the time of both in seconds."""
    from django.contrib.auth import authenticate
    from django.http import HttpResponse

    from swap_user.otp import remember_browser, send_code
    from swap_user.testing import outbox

    request = request_from("192.0.2.1")
    request.COOKIES.update(_COOKIES)
    began = time.perf_counter()
    send_code(request, OTHER)
    user = authenticate(request, username=OTHER, otp=outbox[-1].otp)
    took = time.perf_counter() - began
    if user is None:
        raise SystemExit("the other user's login failed")
    response = HttpResponse()
    remember_browser(request, response)
    _COOKIES.update({name: morsel.value for name, morsel in response.cookies.items()})
    return took


def _attack(number: int, rate: float, stop: Any, queue: Any) -> None:
    from django.contrib.auth import authenticate

    from swap_user.otp import limited

    made = held_back = 0
    began = time.monotonic()
    while not stop.is_set():
        for _ in range(50):
            request = request_from(f"198.18.{made % ADDRESSES // 250}.{made % 250 + 1}")
            authenticate(request, username=VICTIM, otp=f"{(made * 7 + number) % 10**6:06}")
            made += 1
            held_back += limited(request) is not None
        ahead = made / rate - (time.monotonic() - began)
        if ahead > 0:
            time.sleep(ahead)
    queue.put((made, held_back))


def _unknown_names(names: int) -> None:
    from django.contrib.auth import authenticate

    from swap_user.models import WrongGuess
    from swap_user.otp import send_code

    before = _bytes()
    for number in range(names):
        request = request_from(f"198.19.{number % 65_000 // 250}.{number % 250 + 1}")
        name = f"unknown{number}@example.com"
        send_code(request, name)
        authenticate(request, username=name, otp="000000")
    more = _bytes() - before
    print(f"\na code requested and tried for {names:,} usernames without an account")
    print(f"Redis: {_redis()}; {more / max(1, names):,.0f} bytes per username")
    print(f"wrong guesses in the database: {WrongGuess.objects.count():,}")


def _client() -> Any:
    import redis

    return redis.Redis.from_url(os.environ["BENCHMARK_REDIS"])


def _bytes() -> int:
    with _client() as client:
        return int(client.info("memory")["used_memory"])


def _redis() -> str:
    with _client() as client:
        return f"{_bytes() / 2**20:.1f} MiB, {client.dbsize():,} keys"


def forget_connections() -> None:
    """Close all connections, so that a child process opens its own."""
    from django.core.cache import caches
    from django.db import connections

    connections.close_all()
    caches.close_all()


if __name__ == "__main__":
    main()
