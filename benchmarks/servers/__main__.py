"""
Print what becomes of accepted messages when a server ends: ``python -m benchmarks.servers``.

Each server accepts 50 messages. The mail server, a real one, takes two seconds for each of them.
Then the server gets SIGTERM, or SIGINT as from Ctrl-C. A message is sent, or logged and signalled,
or lost. The command needs the packages of the extra ``servers``.
"""

import argparse
import platform
import signal
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.servers.commands import SERVERS
from benchmarks.servers.trial import Site
from services.redis import RedisServer
from services.smtp import SMTPServer

PACKAGES = (
    *("Django", "uvicorn", "uvicorn-worker", "gunicorn", "gevent"),
    *("waitress", "granian", "hypercorn", "daphne"),
)


def main() -> None:
    """Try each server, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.servers", description=__doc__)
    parser.add_argument("--messages", type=int, default=50, help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=8, help="limit; default: %(default)s")
    parser.add_argument("--smtp", type=float, default=2, help="seconds; default: %(default)s")
    parser.add_argument("--server", action="append", choices=SERVERS, help="default: all")
    parser.add_argument(
        "--signal", action="append", choices=["SIGTERM", "SIGINT"], help="default: both"
    )
    parser.add_argument("--undrained", action="store_true", help="without drained()")
    options = parser.parse_args()
    print(f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, ", end="")
    print(", ".join(f"{package} {version(package)}" for package in PACKAGES) + "\n")
    head = ("server", "signal", "sent", "logged", "signalled", "lost", "sent twice")
    print(f"| {' | '.join((*head, 'sent and logged', 'seconds'))} |\n|{' --- |' * 9}")
    with (
        tempfile.TemporaryDirectory(prefix="swap-user-servers-") as folder,
        RedisServer() as redis,
        SMTPServer(seconds=options.smtp) as smtp,
    ):
        limits = {"messages": options.messages, "seconds": options.seconds}
        site = Site(Path(folder), redis, smtp, **limits)
        for server in options.server or SERVERS:
            for name in options.signal or ["SIGTERM", "SIGINT"]:
                try:
                    number, drained = signal.Signals[name], not options.undrained
                    result = site.end(server, number, drained=drained)
                except RuntimeError as error:
                    print(f"| {server} | {name} | {str(error)[-300:]!r} |", flush=True)
                    continue
                cells = (
                    *(server, name, len(result.sent), len(result.logged), len(result.signalled)),
                    *(result.lost, result.twice, result.both, f"{result.seconds:.1f}"),
                )
                print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
