"""What tests of the adapters share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contrib.provider import Provider, make_certificate


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificate of providers on this machine."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reach this machine without the proxy that the environment may name."""
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def provider(certificate: Path) -> Iterator[Provider]:
    """A provider that speaks HTTPS."""
    with Provider(certificate) as server:
        yield server


@pytest.fixture
def plain_provider() -> Iterator[Any]:
    """A provider that speaks HTTP."""
    with Provider() as server:
        yield server
