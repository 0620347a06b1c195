"""What tests of background jobs share."""

import threading

import pytest


@pytest.fixture
def release():
    """What hanging jobs wait for; set at the end of the test."""
    event = threading.Event()
    yield event
    event.set()
