"""What tests of the documentation share."""

from __future__ import annotations

import pytest

from tests.docs.building import Django


@pytest.fixture(scope="module")
def projects_django():
    """A Django without settings, for projects to use."""
    server = Django()
    yield server
    server.end()
