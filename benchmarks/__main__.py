"""
Measure on SQLite and PostgreSQL: ``python -m benchmarks``.

It starts temporary Valkey and PostgreSQL servers and removes them at the end.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
NEEDED = {
    "django_otp": "django-otp",
    "allauth": "django-allauth[mfa]",
    "aiosmtpd": "aiosmtpd",
    "psycopg": "psycopg[binary]",
    "pytest": "pytest",
}


def main() -> None:
    """Measure on each database, and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1000, help="default: %(default)s")
    parser.add_argument(
        "--pairs",
        type=int,
        default=1000,
        help="number of pairs of known and unknown usernames that visit the pages, on PostgreSQL "
        "if it is measured; default: %(default)s, which takes six minutes",
    )
    parser.add_argument(
        "--database", choices=["sqlite", "postgres"], action="append", help="default: both"
    )
    parser.add_argument("--user-model", default="auth.User", help="default: %(default)s")
    parser.add_argument(
        "--profile", metavar="CONTESTANT", help="profile one contestant instead, such as: ours"
    )
    parser.add_argument("--bars", action="store_true", help="exit with 1 if a bar is missed")
    options = parser.parse_args()
    if absent := [name for module, name in NEEDED.items() if not importlib.util.find_spec(module)]:
        sys.exit(f"Missing packages: {', '.join(absent)}. Run: pip install -e '.[benchmark]'")
    missed = False
    for database in options.database or ["sqlite", "postgres"]:
        result = _measured(database, options)
        if not options.profile:
            missed |= _printed(database, result)
    if missed and options.bars:
        sys.exit(1)


def _measured(database: str, options: argparse.Namespace) -> dict[str, Any]:
    from services.redis import RedisServer

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="swap-user-bench-")))
        folder.chmod(0o755)  # PostgreSQL runs as another user
        redis = stack.enter_context(RedisServer())
        from services.smtp import SMTPServer

        smtp = stack.enter_context(SMTPServer(seconds=2))
        environment = os.environ | {
            "BENCHMARK_SMTP_PORT": str(smtp.port),
            "BENCHMARK_USER_MODEL": options.user_model,
            "BENCHMARK_REDIS": redis.url,
            "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.getenv("PYTHONPATH")])),
        }
        if database == "postgres":
            from services.postgres import PostgresServer

            stack.enter_context(PostgresServer(folder / "postgres"))
            environment["BENCHMARK_POSTGRES"] = str(folder / "postgres")
        else:
            environment["BENCHMARK_SQLITE"] = str(folder / "db.sqlite3")
        command = [sys.executable, "-m", "benchmarks.run", f"--rounds={options.rounds}"]
        paired = database == "postgres" or "postgres" not in (options.database or ["postgres"])
        pairs = options.pairs if paired else 0
        command += [f"--pairs={pairs}"]
        command += [f"--profile={options.profile}"] if options.profile else []
        done = subprocess.run(
            command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
        )
        if done.returncode:
            sys.exit(done.returncode)
        result: dict[str, Any] = json.loads(done.stdout)
        return result | {"redis": redis.binary.name}


def _printed(database: str, result: dict[str, Any]) -> bool:
    """Print the tables of a database, and return whether a bar was missed."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
    import django

    django.setup()
    from benchmarks import report

    label = {"sqlite": "SQLite", "postgres": "PostgreSQL"}[database]
    print(f"\n### {label} {result['version']}\n")
    for right in (True, False) if result["times"] else ():
        print(*report.table(result["times"], right=right), sep="\n", end="\n\n")
    print(report.versions(f"{label} {result['version']}, {result['redis']}"))
    lines: list[str] = []
    if result["visits"]:
        lines += ["", *report.telling(result["visits"])]
    if database == "postgres" and result["times"]:
        lines += ["", *report.bars(result["times"])]
    print(*lines, sep="\n")
    return any("MISSED" in line for line in lines)


if __name__ == "__main__":
    main()
