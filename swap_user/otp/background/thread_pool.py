"""
Threads of this process that run jobs soon, and are never the reason why it can't end.

Not ``concurrent.futures``: at exit it waits for as long as a job hangs.
"""

import atexit
import heapq
import itertools
import logging
import os
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from django.db import close_old_connections, connections

from swap_user.otp import audit

WORKERS = 8
CAPACITY = 1000

# Seconds from queueing to starting. There is more to do for an account that exists, and it must
# not compete for the interpreter with the answer to the very request that asked for it: that
# would take a little longer than the answer for a stranger's name (R33). Drawn at random, so that
# many answers can't be averaged against a known pause either.
DELAYS = (0.05, 0.25)

# How long an idle thread stays, in seconds.
IDLE = 10.0

# How long the process waits at its end for what was accepted. A container is killed ten seconds
# after it was asked to stop.
EXIT_LIMIT = 8.0


class ThreadPool:
    """
    A bounded queue and daemon threads that are started as needed.

    Args:
        workers: the most threads at a time.
        capacity: the most jobs that wait.
        delays: the shortest and the longest time that a job waits, in seconds.
        idle: how long a thread without a job stays, in seconds.
    """

    def __init__(
        self,
        *,
        workers: int = WORKERS,
        capacity: int = CAPACITY,
        delays: tuple[float, float] = DELAYS,
        idle: float = IDLE,
    ) -> None:
        self.workers, self.capacity, self.delays, self.idle = workers, capacity, delays, idle
        lock = threading.Lock()
        self._something_to_do = threading.Condition(lock)
        self._nothing_to_do = threading.Condition(lock)
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []  # a heap, by start
        self._numbers = itertools.count()
        self._threads = 0
        self._busy = 0
        self._in_a_hurry = 0

    def submit(self, job: Callable[[], None]) -> str:
        """
        Queue ``job``, which must not raise.

        Returns:
            why it was not queued, or "".
        """
        entry = (time.monotonic() + random.uniform(*self.delays), next(self._numbers), job)  # noqa: S311 - no secret
        with self._something_to_do:
            if len(self._waiting) >= self.capacity:
                return "the queue is full"
            heapq.heappush(self._waiting, entry)
            if not self._enough_threads() and not self._start_thread():
                self._waiting.remove(entry)
                heapq.heapify(self._waiting)
                return "no thread can be started"
            self._something_to_do.notify()
        return ""

    def drain(self, seconds: float) -> bool:
        """
        Wait until every job is done, those that still wait at once; say whether that is so.

        Args:
            seconds: for how long at most.
        """
        with self._nothing_to_do:
            self._in_a_hurry += 1
            self._something_to_do.notify_all()
            try:
                return self._nothing_to_do.wait_for(lambda: not self.unfinished, seconds)
            finally:
                self._in_a_hurry -= 1

    @property
    def unfinished(self) -> int:
        """How many jobs wait or run."""
        return len(self._waiting) + self._busy

    @property
    def is_busy(self) -> bool:
        """Whether jobs wait for a worker."""
        return self.unfinished > self.workers

    def _enough_threads(self) -> bool:
        free = self._threads - self._busy
        return self._threads >= self.workers or free >= len(self._waiting)

    def _start_thread(self) -> bool:
        """Say whether there is a thread now; the lock is held."""
        thread = threading.Thread(target=self._work, name="swap_user jobs", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the interpreter ends, or the machine gives no more
            return self._threads > 0
        self._threads += 1
        return True

    def _work(self) -> None:
        while job := self._next():
            # A thread that died here would be counted for ever, and so would its job.
            with suppress(BaseException):
                close_old_connections()
                job()
            with suppress(Exception):
                # Whoever comes next may be long in coming.
                connections.close_all()
            with self._nothing_to_do:
                self._busy -= 1
                if not self.unfinished:
                    self._nothing_to_do.notify_all()

    def _next(self) -> Callable[[], None] | None:
        """Wait for a job whose time has come; None when this thread is to end."""
        with self._something_to_do:
            while True:
                if not self._waiting:
                    if not self._something_to_do.wait(self.idle) and not self._waiting:
                        self._threads -= 1
                        return None
                    continue
                seconds = self._waiting[0][0] - time.monotonic()
                if seconds > 0 and not self._in_a_hurry:
                    self._something_to_do.wait(seconds)
                    continue
                _, _, job = heapq.heappop(self._waiting)
                self._busy += 1
                if self._waiting:
                    self._something_to_do.notify()  # somebody else looks after the next
                return job


_pool = ThreadPool()


def current() -> ThreadPool:
    """Return the pool of this process."""
    return _pool


def _begin_anew() -> None:
    """In a child: the parent's threads are not here, and its queue is the parent's to run."""
    global _pool
    _pool = ThreadPool()


def _drain_at_exit() -> None:
    if not _pool.drain(EXIT_LIMIT):
        audit.record(logging.ERROR, "jobs lost at exit", count=_pool.unfinished)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
atexit.register(_drain_at_exit)
