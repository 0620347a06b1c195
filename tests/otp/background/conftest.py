"""What tests of background jobs share."""

import threading

import pytest

from swap_user.otp.background.thread_pool import ThreadPool
from tests.otp.background.helpers import PLENTY, wait_until


@pytest.fixture
def release():
    """What hanging jobs and calls wait for; set at the end of the test."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def make_pool(release):
    """Pools, which are empty and have no abandoned calls when the test is over."""
    pools = []

    def make(**options):
        pools.append(ThreadPool(**{"delays": (0.0, 0.0), "idle": 0.05, **options}))
        return pools[-1]

    yield make
    release.set()
    for pool in pools:
        assert pool.drain(PLENTY)
        wait_until(lambda pool=pool: not pool.abandoned and not pool._threads)
