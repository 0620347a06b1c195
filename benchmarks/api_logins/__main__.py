"""
Let 200 apps log in at the same time: ``python -m benchmarks.api_logins``.

The server is uvicorn, one process. All apps ask for a code at the same moment. When all messages
have arrived, all log in at the same moment, and then all look at their sessions. It is done with a
mail server that takes no time for a message, and with one that takes two seconds: if a request
waited for the mail server, its times would differ. The lag is that of the server's event loop. The
database is SQLite.
"""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.api_logins import clients
from benchmarks.servers.trial import Site
from services.redis import RedisServer
from services.smtp import SMTPServer

UVICORN = (
    *(sys.executable, "-m", "uvicorn", "--port", "PORT", "--no-access-log"),
    "benchmarks.api_logins.asgi:application",
)
SETTINGS = {"DJANGO_SETTINGS_MODULE": "benchmarks.api_logins.settings"}

REQUESTS = ("POST code/", "POST session/", "GET session/")


def main() -> None:
    """Let the apps log in with each mail server, and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.api_logins", description=__doc__)
    parser.add_argument("--apps", type=int, default=200, help="default: %(default)s")
    parser.add_argument(
        "--smtp", type=float, action="append", help="seconds for a message; default: 0 and 2"
    )
    options = parser.parse_args()
    packages = ", ".join(f"{each} {version(each)}" for each in ("Django", "uvicorn"))
    print(f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {packages}; ", end="")
    print(f"{options.apps} apps at once\n")
    print("| a message takes | | median, ms | 99 % within, ms | slowest, ms |\n|" + " --- |" * 5)
    for seconds in options.smtp or [0.0, 2.0]:
        with (
            tempfile.TemporaryDirectory(prefix="swap-user-api-") as folder,
            RedisServer() as redis,
            SMTPServer(seconds=seconds) as smtp,
        ):
            site = Site(Path(folder), redis, smtp, messages=options.apps, seconds=8)
            with site.running(UVICORN, **SETTINGS) as (_, port):
                _measure(site, port, f"{seconds:g} s")


def _measure(site: Site, port: int, label: str) -> None:
    apps = clients.apps_of(port, sorted(set(site.names.values())))
    warm = clients.App(port, 250, "unknown@example.com")
    warm.ask()
    clients.lags(port)
    began = time.monotonic()
    clients.at_once(apps, clients.App.ask)
    answered, arrived = time.monotonic() - began, len(site.smtp.messages)
    of_asking = clients.lags(port)
    site.smtp.wait_for(len(apps), seconds=clients.PLENTY)
    delivered = time.monotonic() - began
    clients.lags(port)
    codes = clients.codes_in(site.smtp.messages)
    clients.at_once(apps, lambda app: app.enter(codes[app.name]))
    of_logins = clients.lags(port)
    clients.at_once(apps, clients.App.look)
    of_looking = clients.lags(port)
    for request, of_loop in zip(REQUESTS, (of_asking, of_logins, of_looking), strict=True):
        _print(label, f"`{request}`", [app.seconds[request] for app in apps])
        _print(label, "lag meanwhile", of_loop)
    print(
        f"\n{label}: all {len(apps)} requests for codes were answered after {answered:.1f} s, when "
        f"{arrived} messages had arrived. All {len(codes)} had arrived after {delivered:.1f} s.\n"
    )


def _print(label: str, what: str, seconds: Sequence[float]) -> None:
    ordered = sorted(seconds)
    values = (ordered[int((len(ordered) - 1) * part)] * 1000 for part in (0.5, 0.99, 1))
    print(f"| {label} | {what} | {' | '.join(f'{value:,.0f}' for value in values)} |", flush=True)


if __name__ == "__main__":
    main()
