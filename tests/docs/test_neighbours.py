"""The table of other packages is what `pytest --neighbours tests/neighbours` prints."""

from __future__ import annotations

import ast
import re

from tests import ROOT
from tests.docs.reading import rows
from tests.neighbours.registry import NEIGHBOURS, row

PAGE = "docs/reference/neighbours.md"


def marked() -> set[str]:
    """Return the packages that tests are marked with."""
    return {
        str(name.value)
        for path in (ROOT / "tests/neighbours").glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and (ast.unparse(node.func).endswith("mark.neighbour") or ast.unparse(node.func) == "needs")
        for name in node.args[ast.unparse(node.func) == "needs" :]
        if isinstance(name, ast.Constant)
    }


def test_each_neighbour_has_tests():
    """The registry has the packages that tests are about, and no other."""
    assert set(NEIGHBOURS) == marked()


def test_the_table():
    """It has each of them, with what they do; the versions are those of the run that made it."""
    told = rows(PAGE, "package")
    assert [name for name, *_ in told] == sorted(NEIGHBOURS)
    for name, ran, *rest in told:
        assert re.fullmatch(r"\d+(\.\d+)+", ran), name
        assert f"| {' | '.join([name, ran, *rest])} |" == row(name, ran)
