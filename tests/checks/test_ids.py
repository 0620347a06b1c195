"""The ids of the system checks: each has one meaning, one check and a test."""

import ast
import re
from collections import Counter
from collections.abc import Iterator

from tests import ROOT

MODULES = sorted((ROOT / "swap_user/checks").glob("*.py"))
DOCSTRING_ID = re.compile(r"\b([EW]\d{3}):")


def declared() -> Iterator[tuple[str, str]]:
    """Yield the ids with which the docstrings of checks begin, and the name of the check."""
    for module in MODULES:
        for node in ast.parse(module.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                for check_id in DOCSTRING_ID.findall(ast.get_docstring(node) or ""):
                    yield check_id, node.name


def test_no_id_is_used_twice():
    """Each id is in the docstring of one check, and every id in the code is in a docstring."""
    count = Counter(check_id for check_id, _ in declared())
    assert [check_id for check_id, times in count.items() if times > 1] == []
    for module in MODULES:
        source = module.read_text()
        assert set(re.findall(r'"swap_user\.([EW]\d+)"', source)) == set(
            DOCSTRING_ID.findall(source)
        ), module.name


def test_every_id_has_a_test():
    """A test expects the message with this id."""
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    expected = set(re.findall(r'"swap_user\.([EW]\d+)"', tests))
    assert {check_id for check_id, _ in declared()} - expected == set()
