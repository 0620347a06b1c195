"""The requirements name tests that exist; the supported versions are those of the package."""

from __future__ import annotations

import re

from tests import ROOT
from tests.docs.reading import pyproject, rows


def test_requirements_and_their_tests():
    """Every row is there, in order, and each module that it names has a test that shows it."""
    told = [int(row.removeprefix("R")) for row, *_ in rows("docs/topics/security.md", "row")]
    assert told[:41] == [*range(1, 42)]
    assert told == sorted(set(told))
    for row, _, modules in rows("docs/topics/security.md", "row"):
        for module in re.findall(r"`([^`]+)`", modules):
            marks = re.findall(r"\brequirement\(([^)]*)\)", (ROOT / module).read_text())
            assert any(f'"{row}"' in mark for mark in marks), f"{module} does not show {row}"


def test_supported_versions():
    """Those of the classifiers."""
    (said,) = re.findall(r"^Django .*$", (ROOT / "README.md").read_text(), re.MULTILINE)
    versions = re.compile(r"(?:Framework :: Django|Programming Language :: Python) :: (\d\.\d+)")
    for classifier in pyproject()["project"]["classifiers"]:
        if found := versions.fullmatch(classifier):
            assert re.search(rf"\b{re.escape(found[1])}\b", said), classifier
