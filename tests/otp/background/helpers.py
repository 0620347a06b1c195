"""What tests of background jobs share."""

import time

PLENTY = 30  # seconds, for what takes none


def wait_until(condition):
    deadline = time.monotonic() + PLENTY
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
