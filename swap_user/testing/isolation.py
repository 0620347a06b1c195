"""What surrounds a test: an empty outbox, fresh limits, and a note of the limits it reaches."""

from collections.abc import Iterator
from contextlib import contextmanager

from swap_user.testing.limits import fresh_limits
from swap_user.testing.messages import outbox
from swap_user.testing.reached import ReachedLimits, watch


@contextmanager
def one_test() -> Iterator[ReachedLimits]:
    """Begin a test in which nothing is left of the one before, and yield the limits it reaches."""
    outbox.clear()
    with fresh_limits(), watch() as reached:
        yield reached
