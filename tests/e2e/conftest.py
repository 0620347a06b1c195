"""A copy of the demo, and demos that end with their test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import ROOT
from tests.e2e.demo import Demo


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A fresh copy of the demo."""
    shutil.copytree(ROOT / "demo", tmp_path / "demo", ignore=shutil.ignore_patterns(".data"))
    return tmp_path


@pytest.fixture
def start(folder: Path) -> Iterator[object]:
    """Start a demo; it is ended with the test."""
    demos: list[Demo] = []

    def start(**environment: str) -> Demo:
        demos.append(Demo(folder, **environment))
        return demos[-1]

    yield start
    for demo in demos:
        demo.process.kill()
        demo.process.wait()
