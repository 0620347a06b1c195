"""
Two lanes of jobs: the urgent ones, and all others.

A flood in one lane must not hold up the other lane: strangers may request thousands of codes while
an owner waits for one. So a lane uses at most three quarters of what is limited: threads, places in
the queue, and calls that hang. The last quarter of 8 threads is two, so that one slow message to an
owner does not hold up the next one. With more, a flood would take longer to be sent.
"""

import heapq
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import chain


def share(most: int) -> int:
    """Return how many of ``most`` one lane may use: three quarters, or all of fewer than four."""
    return most - most // 4


def has_room(most: int, *, same: int, others: int) -> bool:
    """
    Return whether one more job may use something that is limited.

    Args:
        most: how many jobs may use it at the same time.
        same: how many jobs of the same lane use it.
        others: how many jobs of the other lane use it.
    """
    return same < share(most) and same + others < most


def no_report() -> None:
    """Report nothing: who waits for the job in ``ThreadPool.run()`` does so."""


@dataclass(eq=False)
class Job:
    """
    A job of a thread pool.

    Attributes:
        start: earliest start, in seconds of time.monotonic().
        function: the function to call.
        lost: reports that the job was not done. None if its result is settled.
        is_urgent: the lane.
        repeats: whether it is called again. Set while it runs.
        done: its result.
    """

    start: float
    function: Callable[[], object]
    lost: Callable[[], object] | None = no_report
    is_urgent: bool = False
    repeats: bool = False
    done: Future[None] = field(default_factory=Future)

    def __lt__(self, other: "Job") -> bool:
        return self.start < other.start


class Lanes:
    """The jobs that wait for a thread. It has no lock of its own."""

    def __init__(self) -> None:
        self._heaps: dict[bool, list[Job]] = {True: [], False: []}  # by Job.is_urgent

    def __len__(self) -> int:
        return sum(map(len, self._heaps.values()))

    def __iter__(self) -> Iterator[Job]:
        return chain.from_iterable(self._heaps.values())

    def count(self, *, is_urgent: bool) -> int:
        """Return the number of jobs in one lane."""
        return len(self._heaps[is_urgent])

    def has_room(self, capacity: int, *, is_urgent: bool) -> bool:
        """Return whether one more job may wait, if ``capacity`` jobs may wait in all."""
        same, others = self.count(is_urgent=is_urgent), self.count(is_urgent=not is_urgent)
        return has_room(capacity, same=same, others=others)

    def add(self, job: Job) -> None:
        """Add a job to its lane."""
        heapq.heappush(self._heaps[job.is_urgent], job)

    def clear(self) -> None:
        """Remove all jobs."""
        for heap in self._heaps.values():
            heap.clear()

    def first(
        self, now: float, running: Collection[Job], workers: int, *, is_draining: bool
    ) -> Job | None:
        """
        Return the job that a free thread runs next. It may not be due yet, and is not removed.

        Args:
            now: jobs that start until then are due, in seconds of time.monotonic(). The urgent ones
                of them come first.
            running: the jobs that run.
            workers: how many jobs may run at the same time.
            is_draining: whether no thread is kept free for urgent jobs that may come.

        Returns:
            None if no job may start before one of those that run has ended.
        """
        heads = []
        for is_urgent, heap in self._heaps.items():
            same = sum(job.is_urgent is is_urgent for job in running)
            others = len(running) - same
            # Urgent jobs may use all threads while no other job waits.
            is_alone = not self._heaps[not is_urgent] and (is_urgent or is_draining)
            is_open = has_room(workers, same=same, others=others) or (
                is_alone and same + others < workers
            )
            if heap and is_open:
                heads.append(heap[0])
        return min(heads, key=lambda job: (max(job.start, now), not job.is_urgent), default=None)

    def remove(self, first: Job) -> None:
        """Remove the job that ``first()`` has returned."""
        heapq.heappop(self._heaps[first.is_urgent])
