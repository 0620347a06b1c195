"""
A pool of threads that run jobs outside of the request.

``concurrent.futures.ThreadPoolExecutor`` is not used: it can't abandon a call that hangs, and waits
for it when the process exits.
"""

import atexit
import heapq
import logging
import math
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

from django.db import connections

from swap_user.otp import audit
from swap_user.otp.background.calls import (
    Abandoned,
    ReceiverBusy,
    Stopped,
    TimedOut,
    TooManyHanging,
)
from swap_user.otp.background.inline import inline, release_connections

WORKERS = 8
CAPACITY = 1000

# The shortest and the longest delay of a job, in seconds. A job does more work if the account
# exists. Without a delay, it would run at the same time as the request and slow down the response,
# which would reveal the account (R33). The delay is random, so that averages of many responses
# don't reveal it either.
DELAYS = (0.05, 0.25)

# How long a thread waits for a job before it ends, in seconds.
IDLE = 10.0

# How long the process waits for its jobs at exit, in seconds. Docker kills a container ten seconds
# after it asks it to stop.
EXIT_LIMIT = 8.0

# Maximum number of calls that have exceeded their time limit and have not returned. Their threads
# can't be ended, and each uses memory and perhaps a socket.
MOST_ABANDONED = 16

# Maximum number of calls for one receiver at a time, so that a slow mail server of one receiver
# does not block all threads.
MOST_AT_ONCE = 2


@dataclass(eq=False)
class _Job:
    start: float  # earliest start, in seconds of time.monotonic()
    function: Callable[[], object]
    done: Future[None] = field(default_factory=Future)

    def __lt__(self, other: "_Job") -> bool:
        return self.start < other.start


@dataclass
class _Call:
    receiver: str
    deadline: float  # seconds of time.monotonic(); infinity after the call was abandoned
    expired: Callable[[], object]


@dataclass(eq=False)
class ThreadPool:
    """
    A bounded queue of jobs, and daemon threads that are started as needed.

    Each job runs in one thread. While a job makes a call with a time limit, at least one thread
    runs no job, so that it can watch the deadlines. When a call exceeds its limit, its thread is
    abandoned: it is no longer part of the pool, and ends when the call returns. Another thread
    completes the job.

    Attributes:
        workers: maximum number of jobs that run at the same time.
        capacity: maximum number of jobs that wait.
        delays: the shortest and the longest delay of a job, in seconds.
        idle: how long a thread waits for a job before it ends, in seconds.
    """

    workers: int = WORKERS
    capacity: int = CAPACITY
    delays: tuple[float, float] = DELAYS
    idle: float = IDLE

    def __post_init__(self) -> None:
        lock = threading.Lock()  # protects all attributes below
        self._changed = threading.Condition(lock)  # free threads wait for it
        self._done = threading.Condition(lock)  # drain() waits for it
        self._waiting: list[_Job] = []  # a heap
        self._running: dict[threading.Thread, _Job] = {}
        self._calls: dict[threading.Thread, _Call] = {}  # those that have not returned
        self._threads = 0  # with and without a job
        self._drains = 0

    @property
    def unfinished(self) -> int:
        """The number of jobs that wait or run."""
        return len(self._waiting) + len(self._running)

    @property
    def is_busy(self) -> bool:
        """Whether there are more unfinished jobs than workers."""
        return self.unfinished > self.workers

    @property
    def abandoned(self) -> int:
        """The number of abandoned calls that have not returned."""
        return len(self._calls.keys() - self._running.keys())

    def submit(self, job: Callable[[], object]) -> str:
        """Queue ``job`` and return "", or the reason why not. Its exceptions are ignored."""
        start = time.monotonic() + random.uniform(*self.delays)  # noqa: S311 - no secret
        with self._changed:
            if len(self._waiting) >= self.capacity:
                return "the queue is full"
            return "" if self._queue(_Job(start, job)) else "no thread can be started"

    def run(self, job: Callable[[], object]) -> None:
        """
        Run ``job`` in a thread of the pool without a delay, and wait for it. Raise its exception.

        The job runs in the current thread if this is a thread of the pool, if jobs run inline, or
        if no thread can be started because the interpreter shuts down.
        """
        if inline.get() or threading.current_thread() in self._running:
            job()
            return
        release_connections()
        queued = _Job(0.0, job)
        with self._changed:
            has_thread = self._queue(queued)
        if has_thread:
            queued.done.result()
        else:
            job()

    @contextmanager
    def limited(
        self, seconds: float, *, receiver: str, expired: Callable[[TimedOut], object]
    ) -> Iterator[None]:
        """
        Limit the time of a call that a job makes. There is no limit outside of the pool's threads.

        Args:
            seconds: the time limit.
            receiver: identifies the receiver of the message.
            expired: a function that replaces the rest of the job if the call exceeds the limit. It
                is called at once, in another thread, with a TimedOut.

        Raises:
            TooManyHanging: too many earlier calls have not returned, so the call was not made.
            ReceiverBusy: too many earlier calls for this receiver have not returned.
            Stopped: the call raised a BaseException that is not an Exception.
            Abandoned: the call returned after its time limit.
        """
        thread = threading.current_thread()
        if thread not in self._running:
            yield
            return
        report = partial(expired, TimedOut(f"not done after {seconds:g} s"))
        with self._changed:
            if self.abandoned >= MOST_ABANDONED:
                raise TooManyHanging(f"{self.abandoned} earlier calls have not returned yet")
            if [call.receiver for call in self._calls.values()].count(receiver) >= MOST_AT_ONCE:
                raise ReceiverBusy(f"{MOST_AT_ONCE} earlier messages to this user are not sent yet")
            self._calls[thread] = _Call(receiver, time.monotonic() + seconds, report)
            self._wake()
        try:
            yield
        except Exception:
            raise
        except BaseException as error:
            raise Stopped(repr(error)) from error
        finally:
            with self._changed:
                del self._calls[thread]
                if thread not in self._running:
                    raise Abandoned

    def drain(self, seconds: float) -> bool:
        """Start all jobs now. Return whether they all ended within ``seconds``."""
        with self._done:
            self._drains += 1
            self._changed.notify_all()
            try:
                return self._done.wait_for(lambda: not self.unfinished, seconds)
            finally:
                self._drains -= 1

    def _queue(self, job: _Job) -> bool:
        """Queue ``job`` if there is a thread to run it. The caller must hold the lock."""
        heapq.heappush(self._waiting, job)
        self._wake()
        if not self._threads:
            self._waiting.clear()  # it contained only this job
        return self._threads > 0

    def _wake(self) -> None:
        """Wake or start a thread for a new job or deadline. The caller must hold the lock."""
        free = self._threads - len(self._running)
        needs_worker = self._threads < self.workers and free < len(self._waiting)
        needs_watcher = not free and self._next_deadline() < math.inf
        if needs_worker or needs_watcher:
            with suppress(RuntimeError):  # at shutdown, or if there are too many threads
                threading.Thread(target=self._work, name="swap_user jobs", daemon=True).start()
                self._threads += 1
        self._changed.notify()

    def _next_deadline(self) -> float:
        return min((call.deadline for call in self._calls.values()), default=math.inf)

    def _abandon_late_calls(self, now: float) -> None:
        for thread, call in self._calls.items():
            if call.deadline <= now:
                call.deadline = math.inf
                self._threads -= 1
                job = self._running.pop(thread)
                job.start, job.function = 0.0, call.expired
                heapq.heappush(self._waiting, job)

    def _work(self) -> None:
        thread = threading.current_thread()
        while job := self._next():
            error: BaseException | None = None
            try:
                job.function()
            except BaseException as raised:  # noqa: BLE001 - the code below must run
                error = raised
            with suppress(Exception):
                connections.close_all()  # the next job may come much later
            with self._done:
                if self._running.pop(thread, None) is None:
                    return  # it was abandoned
                self._done.notify_all()
            job.done.set_exception(error)

    def _next(self) -> _Job | None:
        """Watch the deadlines until a job can start. Return it, or None if this thread must end."""
        is_idle = False
        with self._changed:
            while True:
                now = time.monotonic()
                self._abandon_late_calls(now)
                wake_at = self._next_deadline()
                if self._waiting and len(self._running) < self.workers:
                    if self._drains or self._waiting[0].start <= now:
                        job = heapq.heappop(self._waiting)
                        self._running[threading.current_thread()] = job
                        self._wake()
                        return job
                    wake_at = min(wake_at, self._waiting[0].start)
                if is_idle and wake_at == math.inf:
                    self._threads -= 1
                    return None
                has_timed_out = not self._changed.wait(min(wake_at - now, self.idle))
                is_idle = has_timed_out and wake_at == math.inf


_pool = ThreadPool()


def current() -> ThreadPool:
    """Return the pool of this process."""
    return _pool


def _replace_pool() -> None:
    """Create a new pool in a forked child: threads and jobs belong to the parent process."""
    global _pool
    _pool = ThreadPool()


def _drain_at_exit() -> None:
    if not _pool.drain(EXIT_LIMIT):
        audit.record(logging.ERROR, "jobs lost at exit", count=_pool.unfinished)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_replace_pool)
atexit.register(_drain_at_exit)
