"""Run tests in a new process, with a mutant that is there from the first import."""

from __future__ import annotations

import json
import sys
from importlib.machinery import SourceFileLoader
from types import CodeType

import pytest

from scripts.mutation.mutants import ROOT, Mutant, changed_code, mutants


class Chosen:
    """A plugin for pytest that runs the tests of a list, in its order."""

    def __init__(self, tests: list[str]) -> None:
        self._order = {test: number for number, test in enumerate(tests)}
        self.failed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what fails."""
        if report.failed:
            self.failed.append(report.nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out the other tests."""
        items[:] = sorted(
            (item for item in items if item.nodeid in self._order),
            key=lambda item: self._order[item.nodeid],
        )


def main(path: str, number: int | None, tests: list[str]) -> int:
    """
    Print the tests that fail, at most one with a mutant, and return the exit code of pytest.

    Args:
        path: the file to change, relative to the root.
        number: of the mutant; None to change nothing.
        tests: the tests to run.
    """
    if number is not None:
        _change(next(each for each in mutants(ROOT / path) if each.number == number))
    files = [*dict.fromkeys(test.partition("::")[0] for test in tests)]
    chosen = Chosen(tests)
    first = ["-x"] if number is not None else []
    code = int(pytest.main([*first, "-q", "-p", "no:cacheprovider", *files], [chosen]))
    print("\n" + json.dumps(chosen.failed))
    return code


def _change(mutant: Mutant) -> None:
    changed = changed_code(mutant)
    original = SourceFileLoader.get_code

    def get_code(loader: SourceFileLoader, fullname: str) -> CodeType | None:
        if loader.path == str(ROOT / mutant.path):
            return changed
        return original(loader, fullname)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign]


if __name__ == "__main__":
    sys.exit(main(**json.load(sys.stdin)))
