"""
A plugin for pytest that runs the tests once, and then again for each mutant.

The process that has collected the tests and started the servers is forked for each mutant. The fork
changes the code of a function, and runs the tests that reach the changed line, the fastest first,
until one of them fails.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from scripts.mutation.mutants import ROOT, Mutant

IN_CHILDREN = {
    "swap_user/otp/authenticators/queries.py": "tests/otp/authenticators/test_queries.py",
    "swap_user/otp/store/adapters.py": "tests/otp/store/test_adapters.py",
}
"""Tests that reach a file only in the processes that they start."""

SECONDS = 10
"""What a test may take, in addition to five times what it took before."""


class Reached:
    """
    Which tests reach which lines.

    Attributes:
        seconds: the duration of each test that passes.
        lines: the lines of each file, with the tests that reach each of them.
        failed: the tests that fail without a mutant.
    """

    def __init__(
        self,
        seconds: dict[str, float],
        lines: dict[str, dict[str, list[str]]],
        failed: list[str] | None = None,
    ) -> None:
        self.seconds = seconds
        self.failed = failed or []
        self.lines = lines
        self._kills: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))

    def tests(self, mutant: Mutant, budget: float) -> list[str]:
        """Return the tests for a mutant, the best first, that take ``budget`` seconds together."""
        by_line = self.lines.get(mutant.path, {})
        first, last = mutant.lines
        found = {
            test
            for line, tests in by_line.items()
            if mutant.is_lua or not mutant.is_live or first <= int(line) <= last
            for test in tests
        }
        in_children = IN_CHILDREN.get(mutant.path, "-")
        found |= {test for test in self.seconds if test.startswith(in_children)}
        kills = self._kills[mutant.path]
        mirrored = Path(mutant.path.replace("swap_user/", "tests/", 1))
        named, own = f"{mirrored.parent}/test_{mirrored.stem}.py", f"{mirrored.parent}/"
        # The tests of a file are alike. So the fastest of each file come first, then the second
        # ones, and so on. More come from the tests of the same folder, and all from the test file
        # with the same name.
        rank: dict[str, int] = {}
        files = Counter[str]()
        for test in sorted(found, key=lambda test: (self.seconds[test], test)):
            file = test.partition("::")[0]
            share = 1000 if file == named else 8 if file.startswith(own) else 1
            rank[test] = files[file] // share
            files[file] += 1
        chosen, total = [], 0.0
        for test in sorted(
            found,
            key=lambda test: (
                -kills[test],
                rank[test],
                not test.startswith(own),
                self.seconds[test],
                test,
            ),
        ):
            if total + self.seconds[test] <= budget or not chosen:
                chosen.append(test)
                total += self.seconds[test]
        return chosen

    def killed(self, mutant: Mutant, test: str) -> None:
        """Remember a test that failed; it is tried first for the next mutants of this file."""
        self._kills[mutant.path][test] += 1


class Plugin:
    """
    Args:
        work: is called with this object when everything is ready for mutants.
    """

    def __init__(self, work: Callable[[Plugin], None]) -> None:
        self._work = work
        self._items: dict[str, pytest.Item] = {}

    def pytest_configure(self) -> None:
        """Let Hypothesis try the same examples each time, and store none."""
        import hypothesis

        hypothesis.settings.register_profile(
            "mutants",
            database=None,
            derandomize=True,
            phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        hypothesis.settings.load_profile("mutants")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Prepare this process, and work."""
        from django.conf import settings
        from django.db import connections

        from scripts.mutation.databases import empty_database
        from scripts.mutation.patching import Imported

        self._items = {item.nodeid: item for item in session.items}
        warm = next(item for item in session.items if item.get_closest_marker("django_db"))
        runtestprotocol(warm, log=False, nextitem=_anywhere(warm))
        warm._initrequest()  # type: ignore[attr-defined]
        connections.close_all()
        self._database = empty_database()
        self._folder: Path = settings.RUN_DIR
        self._imported = Imported()
        try:
            self._work(self)
        finally:
            session._setupstate.teardown_exact(None)  # as after the last test
        return True

    def reached(self) -> Reached:
        """Run all tests once, in a fork, and return which lines they reach."""
        result = self._folder / "reached.json"
        self._forked(lambda: result.write_text(json.dumps(self._measured())))
        found = json.loads(result.read_text())
        for test in found["failed"]:
            print(f"left out, because it fails without a mutant: {test}", file=sys.__stderr__)
        return Reached(**found)

    def try_mutant(self, mutant: Mutant, tests: list[str], seconds: dict[str, float]) -> str:
        """
        Run the tests with a mutant.

        Returns:
            "" if all pass, else the test that failed or took too long, or "cannot patch".
        """
        from scripts.mutation.children import announce
        from scripts.mutation.patching import CannotPatch

        result = self._folder / "result.txt"

        def run() -> None:
            result.write_text("")
            announce(mutant)
            try:
                self._imported.patch(mutant)
            except CannotPatch:
                result.write_text("cannot patch")
                return
            for test in tests:
                result.write_text(test)
                signal.alarm(int(SECONDS + 5 * seconds[test]))
                if not self._passes(self._items[test]):
                    return
                signal.alarm(0)
            result.write_text("")

        self._forked(run)
        return result.read_text()

    def _measured(self) -> dict[str, Any]:
        import coverage

        folders = [f"{ROOT}/swap_user/*"]
        measuring = coverage.Coverage(data_file=None, include=folders, config_file=False)
        seconds: dict[str, float] = {}
        failed: list[str] = []
        scripts: dict[str, set[str]] = defaultdict(set)
        self._record_scripts(scripts)
        measuring.start()
        for test, item in self._items.items():
            measuring.switch_context(test)
            self._script_context = test
            started = time.perf_counter()
            if self._passes(item):
                seconds[test] = round(time.perf_counter() - started, 4)
            else:
                failed.append(test)
        measuring.stop()
        data = measuring.get_data()
        lines: dict[str, dict[str, list[str]]] = {}
        for path in data.measured_files():
            lines[str(Path(path).relative_to(ROOT))] = {
                str(line): [test for test in tests if test in seconds]
                for line, tests in data.contexts_by_lineno(path).items()
            }
        for path, tests in scripts.items():
            lines[path] = {"0": [test for test in tests if test in seconds]}
        return {"seconds": seconds, "lines": lines, "failed": failed}

    def _record_scripts(self, scripts: dict[str, set[str]]) -> None:
        from scripts.mutation.patching import body
        from swap_user.otp.store.scripts import Script

        run = Script.__call__
        folder = ROOT / "swap_user/otp/store/lua"
        bodies = {str(each.relative_to(ROOT)): body(str(each)) for each in folder.glob("*.lua")}

        def recorded(script: Script, *args: Any, **kwargs: Any) -> Any:
            for path, text in bodies.items():
                if text in script.source:
                    scripts[path].add(self._script_context)
            return run(script, *args, **kwargs)

        Script.__call__ = recorded  # type: ignore[method-assign]

    def _passes(self, item: pytest.Item) -> bool:
        self._imported.forget_results()
        reports = runtestprotocol(item, log=False, nextitem=_anywhere(item))
        return not any(report.failed for report in reports)

    def _forked(self, run: Callable[[], object]) -> None:
        self._database.restore()
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)  # what its tests have started
            return
        try:
            os.setpgid(0, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            null = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(null, stream)
            run()
        finally:
            os._exit(0)


def _anywhere(item: pytest.Item) -> Any:
    """Return a test that has only the session in common with a test: nothing else is kept."""
    return SimpleNamespace(listchain=lambda: [item.session])
