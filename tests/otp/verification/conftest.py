"""What tests of the check of a code share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from swap_user.testing import wait_for_deliveries


@pytest.fixture(autouse=True)
def no_job_is_left() -> Iterator[None]:
    """Wait for the jobs that store again what a test has rolled back."""
    yield
    wait_for_deliveries()
