"""A queue of jobs that can be full."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from swap_user.otp.background import failures
from swap_user.otp.dispatchers import InlineDispatcher


class CrowdedQueue(InlineDispatcher):
    """Runs jobs in the request. While the queue is crowded, it drops every other one."""

    is_crowded: ClassVar[bool] = False
    dropped: ClassVar[int] = 0
    _rng: ClassVar[random.Random] = random.Random(5)

    def dispatch(self, job: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Run the job, or report that it is dropped, as ThreadDispatcher does."""
        if self.is_crowded and self._rng.random() < 0.5:
            type(self).dropped += 1
            failures.job_dropped(job, args, kwargs, "the queue is full")
        else:
            super().dispatch(job, args, kwargs)


@contextmanager
def crowded() -> Iterator[None]:
    """Let the queue be crowded."""
    CrowdedQueue.is_crowded = True
    try:
        yield
    finally:
        CrowdedQueue.is_crowded = False
