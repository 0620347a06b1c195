"""
Threads of this process that run jobs outside of the request.

Not ``concurrent.futures``: it can't abandon a call that hangs, and waits for it at exit.
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
from swap_user.otp.background.inline import inline, release_connections

WORKERS = 8
CAPACITY = 1000

# Seconds from queueing to starting. A job does more for an account that exists. Beside the answer
# to the request that queued it, it would make that answer a little slower (R33). The delay is
# random, so that it can't be subtracted from an average of many answers.
DELAYS = (0.05, 0.25)

# Seconds until a thread without a job ends.
IDLE = 10.0

# Seconds that the process waits for its jobs at exit. A container is killed ten seconds after it
# was asked to stop.
EXIT_LIMIT = 8.0

# Calls that have exceeded their time limit and not returned. Their threads can't be ended, and
# each holds memory and perhaps a socket.
MOST_ABANDONED = 16

# Calls for one receiver at the same time: one slow mail server must not take all threads.
MOST_AT_ONCE = 2


class TimedOut(Exception):
    """The call has exceeded its time limit. It may still do what it was made for."""


class TooManyHanging(Exception):
    """The call was not made: ``MOST_ABANDONED`` earlier ones have not returned."""


class ReceiverBusy(Exception):
    """The call was not made: ``MOST_AT_ONCE`` earlier ones for its receiver have not returned."""


class Stopped(Exception):
    """The call raised what would end its thread, such as SystemExit."""


class Abandoned(BaseException):
    """Ends a job whose call returned after its time limit. Only the pool may handle it."""


@dataclass(eq=False)
class _Job:
    start: float  # seconds of time.monotonic()
    function: Callable[[], object]
    done: Future[None] = field(default_factory=Future)

    def __lt__(self, other: "_Job") -> bool:
        return self.start < other.start


@dataclass
class _Call:
    receiver: str
    deadline: float  # seconds of time.monotonic(); infinite once the call is abandoned
    expired: Callable[[], object]


@dataclass(eq=False)
class ThreadPool:
    """
    A bounded queue of jobs, and daemon threads that are started as needed.

    Each job runs in one thread. While jobs make calls with a time limit, one more thread is free
    and watches the deadlines. A thread whose call exceeds its limit is abandoned: it leaves the
    pool at once and ends when the call returns. Another thread completes its job.

    Attributes:
        workers: how many jobs run at the same time.
        capacity: how many jobs may wait.
        delays: the shortest and the longest delay of a job, in seconds.
        idle: how long a thread waits for a job before it ends, in seconds.
    """

    workers: int = WORKERS
    capacity: int = CAPACITY
    delays: tuple[float, float] = DELAYS
    idle: float = IDLE

    def __post_init__(self) -> None:
        lock = threading.Lock()  # guards everything below
        self._changed = threading.Condition(lock)  # free threads wait for it
        self._done = threading.Condition(lock)  # drain() waits for it
        self._waiting: list[_Job] = []  # a heap
        self._running: dict[threading.Thread, _Job] = {}
        self._calls: dict[threading.Thread, _Call] = {}  # that have not returned
        self._threads = 0  # running and free
        self._drains = 0

    @property
    def unfinished(self) -> int:
        """How many jobs wait or run."""
        return len(self._waiting) + len(self._running)

    @property
    def is_busy(self) -> bool:
        """Whether jobs wait for a thread."""
        return self.unfinished > self.workers

    @property
    def abandoned(self) -> int:
        """How many abandoned calls have not returned."""
        return len(self._calls.keys() - self._running.keys())

    def submit(self, job: Callable[[], object]) -> str:
        """Queue ``job``, and ignore what it raises; return why it was not queued, or ""."""
        start = time.monotonic() + random.uniform(*self.delays)  # noqa: S311 - no secret
        with self._changed:
            if len(self._waiting) >= self.capacity:
                return "the queue is full"
            return "" if self._queue(_Job(start, job)) else "no thread can be started"

    def run(self, job: Callable[[], object]) -> None:
        """
        Run ``job`` in a thread of the pool without a delay, wait for it, and raise what it raises.

        It runs in this thread if this is one of the pool's, inline, and if no thread can be
        started because the interpreter shuts down.
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
        Limit the time of a call that a job makes. Outside of the pool's threads there is no limit.

        Args:
            seconds: the limit.
            receiver: identifies who the call is for.
            expired: replaces the rest of the job if the call exceeds the limit; another thread
                runs it at once.

        Raises:
            TooManyHanging, ReceiverBusy: the call was not made.
            Stopped: it raised a BaseException.
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
                raise ReceiverBusy(f"{MOST_AT_ONCE} earlier messages to them are still being sent")
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
        """Start all jobs now; return whether they were done before ``seconds`` were over."""
        with self._done:
            self._drains += 1
            self._changed.notify_all()
            try:
                return self._done.wait_for(lambda: not self.unfinished, seconds)
            finally:
                self._drains -= 1

    def _queue(self, job: _Job) -> bool:
        """Queue ``job``, unless there is no thread to run it; the lock is held."""
        heapq.heappush(self._waiting, job)
        self._wake()
        if not self._threads:
            self._waiting.clear()  # it was the only one
        return self._threads > 0

    def _wake(self) -> None:
        """Have a free thread look at a new job or deadline; the lock is held."""
        free = self._threads - len(self._running)
        needs_worker = self._threads < self.workers and free < len(self._waiting)
        needs_watcher = not free and self._next_deadline() < math.inf
        if needs_worker or needs_watcher:
            with suppress(RuntimeError):  # the interpreter shuts down, or the system has no more
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
            except BaseException as raised:  # noqa: BLE001 - the thread must be counted below
                error = raised
            with suppress(Exception):
                connections.close_all()  # the next job may be long in coming
            with self._done:
                if self._running.pop(thread, None) is None:
                    return  # it was abandoned
                self._done.notify_all()
            job.done.set_exception(error)

    def _next(self) -> _Job | None:
        """Watch the deadlines until a job is due; return None if this thread is to end."""
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
    """Start empty in a forked child: the threads are the parent's, and so are the jobs."""
    global _pool
    _pool = ThreadPool()


def _drain_at_exit() -> None:
    if not _pool.drain(EXIT_LIMIT):
        audit.record(logging.ERROR, "jobs lost at exit", count=_pool.unfinished)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_replace_pool)
atexit.register(_drain_at_exit)
