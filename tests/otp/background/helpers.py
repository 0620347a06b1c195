"""What tests of background jobs share."""

import time

PLENTY = 30  # seconds, for what takes none


def wait_until(condition):
    deadline = time.monotonic() + PLENTY
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def limited(pool, call, seconds=PLENTY, receiver="a", expired=lambda error: None, after=list):
    """Return a job that makes a call, and does something after it."""

    def job():
        with pool.limited(seconds, receiver=receiver, expired=expired):
            call()
        after()

    return job
