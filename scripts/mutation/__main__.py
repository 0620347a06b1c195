"""
Mutation tests: `sh scripts/mutants [file or folder …]`.

Each mutant is the code with one small change. A mutant is killed if a test fails. One that survives
shows that no test notices the change: write a test, simplify the code, or name the mutant in
`explained.txt` with the reason why it makes no difference.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from scripts.mutation.children import watching
from scripts.mutation.mutants import ROOT, Mutant, mutants
from scripts.mutation.plugin import Plugin, Reached

DECIDING = [
    *(
        f"swap_user/otp/{folder}"
        for folder in (
            "crypto",
            "store",
            "durable",
            "visitors",
            "challenges",
            "authenticators",
            "throttling",
            "verification",
            "sessions",
        )
    ),
    "swap_user/backends.py",
]
DECIDES_NOTHING = {"swap_user/otp/verification/labels.py"}
TESTS = [
    "tests/otp",
    "tests/system",
    "tests/management",
    "tests/test_backends.py",
    "tests/test_moved.py",
]
EXPLAINED = Path(__file__).parent / "explained.txt"
DATABASE = os.environ.get("DATABASE", "sqlite")
CACHE = ROOT / f".mutants_{DATABASE}.json"
RESULTS = ROOT / ".mutants_results.jsonl"
NEEDED = 95  # percent


def main() -> int:
    """Return 0 if enough mutants are killed and all others are explained."""
    parser = argparse.ArgumentParser(prog="scripts/mutants", description=__doc__)
    parser.add_argument("paths", nargs="*", default=DECIDING, help="files or folders to change")
    parser.add_argument("--tests", nargs="+", default=TESTS, help="the tests that may fail")
    parser.add_argument(
        "--budget", type=float, default=30, help="seconds of tests for a mutant (default: 30)"
    )
    parser.add_argument(
        "--explained", action="store_true", help="also try the mutants of explained.txt"
    )
    parser.add_argument(
        "--again", action="store_true", help="only those that survived the last time"
    )
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each N-th mutant")
    options = parser.parse_args()
    run = Run(options)
    chosen = ["-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not heavy", *options.tests]
    with watching():
        pytest.main(["-q", "-s", *chosen], plugins=[Plugin(run)])
    return run.report()


class Run:
    """A run over all mutants of the chosen files."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        files = [file for path in options.paths for file in _files(ROOT / path)]
        found = [each for file in files for each in mutants(file)][:: options.every]
        self._results = _results(found) if options.again else {}
        killed = {each for each, result in self._results.items() if result == "killed"}
        self._mutants = sorted(
            (each for each in found if each not in killed),
            key=lambda mutant: not mutant.is_live,  # the others are slow
        )
        self._explained = _explained()
        self._unsound: dict[str, set[str]] = {}  # for each file, tests that fail in a new process
        self._started = time.monotonic()

    def __call__(self, plugin: Plugin) -> None:
        """Try each mutant, and print those that survive."""
        reached = self._reached(plugin)
        _say(f"{len(reached.seconds)} tests, {len(self._mutants)} mutants")
        for number, mutant in enumerate(self._mutants, start=1):
            result = self._tried(mutant, plugin, reached)
            self._results[mutant] = result
            with RESULTS.open("a") as file:
                file.write(json.dumps([mutant.name, result]) + "\n")
            if result == "survived":
                explained = " (explained)" if mutant.name in self._explained else ""
                _say(f"survived{explained}: {mutant}")
            if number % 50 == 0:
                _say(f"… {number} of {len(self._mutants)}, {self._minutes():.1f} minutes")

    def _tried(self, mutant: Mutant, plugin: Plugin, reached: Reached) -> str:
        tests = reached.tests(mutant, self._options.budget)
        is_known = mutant.name in self._explained and not self._options.explained
        if not tests or is_known:
            return "survived"
        if mutant.is_live:
            failed = plugin.try_mutant(mutant, tests, reached.seconds)
            if failed != "cannot patch":
                if failed:
                    reached.killed(mutant, failed)
                return "killed" if failed else "survived"
        seconds = sum(reached.seconds[test] for test in tests)
        if mutant.path not in self._unsound:
            self._unsound[mutant.path] = _fail_cold(mutant.path, tests, seconds)
        sound = [test for test in tests if test not in self._unsound[mutant.path]]
        killed = bool(sound) and _fail_cold(mutant.path, sound, seconds, mutant.number)
        return "killed" if killed else "survived"

    def _reached(self, plugin: Plugin) -> Reached:
        """Return the result of the run without a mutant, from a file if nothing was changed."""
        digest = hashlib.sha256(" ".join(self._options.tests).encode())
        for folder in ("swap_user", "tests"):
            for file in sorted((ROOT / folder).rglob("*")):
                if file.suffix in {".py", ".lua", ".html"}:
                    digest.update(file.read_bytes())
        fingerprint = digest.hexdigest()
        if CACHE.exists():
            saved = json.loads(CACHE.read_text())
            if saved.pop("fingerprint") == fingerprint:
                return Reached(**saved)
        _say("running all tests once, to see which lines they reach …")
        reached = plugin.reached()
        saved = {"seconds": reached.seconds, "lines": reached.lines, "fingerprint": fingerprint}
        CACHE.write_text(json.dumps(saved))
        return reached

    def _minutes(self) -> float:
        return (time.monotonic() - self._started) / 60

    def report(self) -> int:
        """Print the score of each folder; return the exit code."""
        totals: Counter[str] = Counter()
        killed: Counter[str] = Counter()
        for mutant, result in self._results.items():
            for name in (str(Path(mutant.path).parent), "all"):
                totals[name] += 1
                killed[name] += result == "killed"
        for name, total in totals.items():
            _say(f"{name}: {killed[name]} of {total} killed, {100 * killed[name] / total:.1f} %")
        survivors = [each for each, result in self._results.items() if result == "survived"]
        unexplained = [each for each in survivors if each.name not in self._explained]
        tried = {each.name for each, result in self._results.items() if result == "killed"}
        for name in self._explained & tried:
            _say(f"explained, but killed: {name}")
        _say(f"{len(unexplained)} survivors are not explained; {self._minutes():.1f} minutes")
        enough = killed["all"] * 100 >= NEEDED * totals["all"] > 0
        return 0 if enough and not unexplained else 1


def _fail_cold(path: str, tests: list[str], seconds: float, number: int | None = None) -> set[str]:
    """Run tests in a new process, with a mutant if it has a number; return those that fail."""
    asked = json.dumps({"path": path, "number": number, "tests": tests})
    environment = {key: each for key, each in os.environ.items() if key != "SWAP_USER_TEST_DIR"}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "scripts.mutation.cold"],
            input=asked.encode(),
            cwd=ROOT,
            env=environment,
            capture_output=True,
            timeout=60 + 5 * seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return set(tests)
    try:
        failed = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):  # it ended before the first test
        failed = []
    return set(failed or (tests if done.returncode else ()))


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    files = (each for each in path.rglob("*") if each.suffix in {".py", ".lua"})
    return sorted(each for each in files if str(each.relative_to(ROOT)) not in DECIDES_NOTHING)


def _results(found: list[Mutant]) -> dict[Mutant, str]:
    """Return what happened to these mutants when they were tried the last time."""
    lines = RESULTS.read_text().splitlines() if RESULTS.exists() else []
    results = dict(json.loads(line) for line in lines)
    return {each: results[each.name] for each in found if each.name in results}


def _explained() -> set[str]:
    """Return the names of the explained mutants; a reason is a comment above them."""
    lines = EXPLAINED.read_text().splitlines() if EXPLAINED.exists() else []
    return {line for line in lines if line and not line.startswith("#")}


def _say(text: str) -> None:
    print(text, file=sys.__stderr__, flush=True)


if __name__ == "__main__":
    sys.exit(main())
