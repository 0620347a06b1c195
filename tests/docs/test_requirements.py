"""The requirements name tests that exist; the supported versions are those of the package."""

from __future__ import annotations

import re

from tests import ROOT
from tests.conftest import REQUIREMENTS
from tests.docs.reading import pyproject, rows


def test_requirements_and_their_tests():
    """Every row is there, and each module that it names has a test that shows it."""
    told = [row for row, *_ in rows("docs/reference/requirements.md", "row")]
    assert told[:41] == [f"R{number}" for number in range(1, 42)]
    assert told == [row for row in REQUIREMENTS if row in told]
    for row, _, modules in rows("docs/reference/requirements.md", "row"):
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
