"""Run tests in a new process, with a mutant that is there from the first import."""

from __future__ import annotations

import json
import sys

import pytest

from scripts.mutation.children import announce, change
from scripts.mutation.mutants import ROOT, mutants


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
        mutant = next(each for each in mutants(ROOT / path) if each.number == number)
        change(mutant)
        announce(mutant)
    files = [*dict.fromkeys(test.partition("::")[0] for test in tests)]
    chosen = Chosen(tests)
    first = ["-x"] if number is not None else []
    code = int(pytest.main([*first, "-q", "-p", "no:cacheprovider", *files], [chosen]))
    print("\n" + json.dumps(chosen.failed))
    return code


if __name__ == "__main__":
    sys.exit(main(**json.load(sys.stdin)))
