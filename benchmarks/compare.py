"""
Compare a login with that of another revision: ``python -m benchmarks.compare REVISION``.

Both revisions log in in turn, with the same Valkey and a database each, so that load on the machine
affects both equally. ``--postgres`` uses PostgreSQL in place of SQLite. ``--limited`` compares
attempts that the limit of their address refuses. ``--instructions`` also counts instructions with
callgrind, which is repeatable to 0.1 % (valgrind must be installed).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from services.postgres import PostgresServer
from services.redis import RedisServer

ROOT = Path(__file__).parent.parent
WORKER = ROOT / "benchmarks" / "logins.py"
BLOCK = 25

# Numbers of logins of two counted runs. The difference excludes the start of the process.
FEW, MANY = 20, 120


def main() -> None:
    """Print the medians of both revisions and their ratio."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.add_argument("revision", help="the revision to compare with, such as HEAD~1")
    parser.add_argument("--logins", type=int, default=1000, help="default: %(default)s")
    parser.add_argument("--instructions", action="store_true")
    parser.add_argument("--limited", action="store_true")
    parser.add_argument("--postgres", action="store_true", help="instead of SQLite")
    options = parser.parse_args()
    if options.limited:
        os.environ["COMPARE_LIMITED"] = "1"
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="swap-user-compare-")))
        trees = {"before": _checked_out(options.revision, folder), "after": ROOT}
        redis = stack.enter_context(RedisServer())
        if options.postgres:
            folder.chmod(0o755)  # PostgreSQL runs as another user
            stack.enter_context(PostgresServer(folder / "postgres"))
            os.environ["COMPARE_POSTGRES"] = str(folder / "postgres")
        workers = {
            name: stack.enter_context(Worker(tree, redis.url, number, folder / f"{name}.sqlite3"))
            for number, (name, tree) in enumerate(trees.items())
        }
        times: dict[str, list[int]] = {name: [] for name in workers}
        for block in range(options.logins // BLOCK):
            for name in list(workers)[:: 1 if block % 2 else -1]:
                times[name] += workers[name].log_in(BLOCK)
        _print_row(
            "median ms", {name: statistics.median(each) / 1e6 for name, each in times.items()}
        )
        if options.instructions:
            counts = {
                name: _instructions(tree, redis.url, folder / f"{name}-counted")
                for name, tree in trees.items()
            }
            _print_row("instructions, thousands", {name: n / 1e3 for name, n in counts.items()})


def _print_row(label: str, values: dict[str, float]) -> None:
    before, after = values["before"], values["after"]
    print(f"{label}: before {before:.3f}, after {after:.3f}, ratio {after / before:.3f}")


def _checked_out(revision: str, folder: Path) -> Path:
    tree = folder / "tree"
    tree.mkdir()
    archive = subprocess.run(
        ["git", "archive", revision], cwd=ROOT, check=True, stdout=subprocess.PIPE
    )
    subprocess.run(["tar", "-x", "-C", str(tree)], input=archive.stdout, check=True)
    return tree


class Worker:
    """A process that logs in with the code of one revision."""

    def __init__(self, tree: Path, redis: str, number: int, database: Path) -> None:
        self.command = [sys.executable, str(WORKER)]
        self.environment = _environment(tree, redis, number, database)

    def __enter__(self) -> Worker:
        self.process = subprocess.Popen(
            self.command,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._answer() == "ready"
        return self

    def __exit__(self, *error: object) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(30)

    def log_in(self, times: int) -> Any:
        """Log in ``times`` times, and return the nanoseconds of each login."""
        assert self.process.stdin
        self.process.stdin.write(f"{times}\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())


def _environment(tree: Path, redis: str, number: int, database: Path) -> dict[str, str]:
    url = redis if redis.startswith("unix") else f"{redis}/{number}"
    if redis.startswith("unix"):
        url = f"{redis}?db={number}"
    return os.environ | {
        "PYTHONPATH": str(tree),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "COMPARE_REDIS": url,
        "COMPARE_SQLITE": str(database),
    }


def _instructions(tree: Path, redis: str, folder: Path) -> float:
    """Return the number of instructions of one login."""
    folder.mkdir()
    counted = []
    for logins in (FEW, MANY):
        output = folder / f"callgrind.{logins}"
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={output}"]
        subprocess.run(
            [*command, sys.executable, str(WORKER)],
            env=_environment(tree, redis, 9, folder / f"{logins}.sqlite3"),
            input=f"{logins}\n",
            text=True,
            check=True,
            capture_output=True,
        )
        found = re.search(r"^(?:summary|totals): (\d+)", output.read_text(), re.MULTILINE)
        assert found
        counted.append(int(found[1]))
    return (counted[1] - counted[0]) / (MANY - FEW)


if __name__ == "__main__":
    main()
