"""
A pool of threads that run jobs outside of the request.

``concurrent.futures.ThreadPoolExecutor`` is not used: it can't abandon a call that hangs, and waits
for it when the process exits.
"""

import math
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial

from django.db import connections

from swap_user.otp.background import context
from swap_user.otp.background.calls import (
    Abandoned,
    Call,
    OpenCalls,
    ProcessEnds,
    Stopped,
    TimedOut,
)
from swap_user.otp.background.lanes import Job, Lanes, no_report, share
from swap_user.otp.connections import inline, release_connections

WORKERS = 8

# One lane may use three quarters: 750 places and 6 threads. If each message takes 2 s, the last one
# is sent after 250 s, before its code expires (``OTP_TIMEOUT``, by default 300 s).
CAPACITY = 1000

# The shortest and the longest delay of a job, in seconds. A job does more work if the account
# exists. Without a delay, it would run at the same time as the request and slow down the response,
# which would reveal the account (R33). The delay is random, so that averages of many responses
# don't reveal it either.
DELAYS = (0.05, 0.25)

# How long a thread waits for a job before it ends, in seconds.
IDLE = 10.0

# The last part of the time of close(), in seconds, in which no job is started, so that the calls
# that have begun can end. A message that is cut off in the middle may or may not arrive.
TAIL = 3.0


@dataclass(eq=False)
class ThreadPool:
    """
    A bounded queue of jobs, and daemon threads that are started as needed.

    Urgent jobs come first. One lane of jobs, urgent or not, uses at most three quarters of the
    threads and of the places in the queue (see ``lanes``), so neither lane blocks the other one.

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
        self._waiting = Lanes()
        self._running: dict[threading.Thread, Job] = {}
        self._calls = OpenCalls()
        self._left: set[threading.Thread] = set()  # close() has reported their jobs as lost
        self._threads = 0  # with and without a job
        self._drains = 0
        self.is_closed = False  # no job is accepted
        self._is_stopped = False  # no job is started

    @property
    def unfinished(self) -> int:
        """The number of jobs that wait or run."""
        return len(self._waiting) + len(self._running)

    @property
    def is_busy(self) -> bool:
        """Whether the lane of the current job has more unfinished jobs than threads."""
        with self._changed:
            job = self._running.get(threading.current_thread())
            is_urgent = job is not None and job.is_urgent
            running = sum(each.is_urgent is is_urgent for each in self._running.values())
            return running + self._waiting.count(is_urgent=is_urgent) > share(self.workers)

    @property
    def abandoned(self) -> int:
        """The number of abandoned calls that have not returned."""
        with self._changed:
            return len(self._calls.abandoned)

    def submit(
        self,
        job: Callable[[], object],
        *,
        lost: Callable[[], object] = no_report,
        is_urgent: bool = False,
    ) -> str:
        """
        Queue ``job`` and return "", or the reason why not. Its exceptions are ignored.

        Args:
            job: the function to call.
            lost: reports that an accepted job was not done; see ``close()``.
            is_urgent: whether it comes before the jobs that are not.
        """
        start = time.monotonic() + random.uniform(*self.delays)  # noqa: S311 - no secret
        with self._changed:
            if self.is_closed:
                return ProcessEnds.REASON
            if not self._waiting.has_room(self.capacity, is_urgent=is_urgent):
                return "the queue is full"
            queued = self._queue(Job(start, job, lost, is_urgent))
            return "" if queued else "no thread can be started"

    def again(
        self, seconds: float, function: Callable[[], object], *, lost: Callable[[], object]
    ) -> bool:
        """
        Call ``function`` after a pause that takes no thread, as the rest of the current job.

        There is no pause while the pool is drained. The job stays as urgent as it is.

        Args:
            seconds: length of the pause.
            function: the function to call.
            lost: reports that it was not called.

        Returns:
            False if the current thread runs no job of the pool, or if the queue is full.
        """
        with self._changed:
            job = self._running.get(threading.current_thread())
            if job is None or not self._waiting.has_room(self.capacity, is_urgent=job.is_urgent):
                return False
            job.start, job.function = time.monotonic() + seconds, context.bind(function)
            job.lost, job.repeats = context.bind(lost), True
            return True

    def settle(self) -> None:
        """
        Say that the current job is about to report its result, so that close() does not report it.

        Raises:
            Abandoned: close() has done so already.
        """
        thread = threading.current_thread()
        with self._changed:
            if thread in self._left:
                raise Abandoned
            if job := self._running.get(thread):
                job.lost = None

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
        queued = Job(0.0, context.bind(job))
        with self._changed:
            has_thread = not self.is_closed and self._queue(queued)
        if has_thread:
            queued.done.result()
        else:
            job()

    @contextmanager
    def limited(
        self, seconds: float, *, receiver: str, expired: Callable[[Exception], object]
    ) -> Iterator[None]:
        """
        Limit the time of a call that a job makes. There is no limit outside of the pool's threads.

        Args:
            seconds: the time limit.
            receiver: identifies the receiver of the message.
            expired: a function that replaces the rest of the job if the call exceeds the limit. It
                is called at once, in another thread, with a TimedOut; or with a ProcessEnds, if the
                process ends first.

        Raises:
            TooManyHanging: too many earlier calls have not returned, so the call was not made.
            ReceiverBusy: too many earlier calls for this receiver have not returned.
            Stopped: the call raised a BaseException that is not an Exception.
            Abandoned: the call returned after its time limit, or was not made because close() has
                reported the job as lost.
        """
        thread, has_returned = threading.current_thread(), False
        with self._changed:
            if thread in self._left:
                raise Abandoned
            is_ours = thread in self._running
        if not is_ours:
            yield
            return
        with self._changed:
            if (job := self._running.get(thread)) is None:
                raise Abandoned
            self._calls.check(receiver, is_urgent=job.is_urgent)
            self._calls[thread] = Call(
                receiver,
                job.is_urgent,
                seconds,
                context.bind(expired),
                deadline=time.monotonic() + seconds,
            )
            self._wake()
        try:
            yield
            has_returned = True
        except Exception:
            raise
        except BaseException as error:
            raise Stopped(repr(error)) from error
        finally:
            with self._changed:
                del self._calls[thread]
                if thread not in self._running:
                    raise Abandoned
                if has_returned:
                    self._running[thread].lost = None  # it is not reported as lost any more

    def drain(self, seconds: float) -> bool:
        """Start all jobs now. Return whether they all ended within ``seconds``."""
        with self._done:
            self._drains += 1
            self._wake()
            self._changed.notify_all()
            try:
                return self._done.wait_for(lambda: not self.unfinished, seconds)
            finally:
                self._drains -= 1

    def close(self, seconds: float) -> list[Callable[[], object]]:
        """
        Accept no further job, start all jobs now, and give up those that don't end in time.

        Args:
            seconds: how long to wait for the jobs. None is started in the last part of this time.

        Returns:
            For each job that was given up, a function that reports it. It is not sent later.
        """
        tail = min(TAIL, seconds / 4)
        with self._changed:
            self.is_closed = True
        self.drain(seconds - tail)
        with self._done:
            self._is_stopped = True
            self._done.wait_for(lambda: not self._running, tail)
            for thread, call in self._calls.items():
                if thread in self._running:
                    self._running[thread].lost = partial(call.expired, ProcessEnds())
                    call.abandon()
            given_up = [*self._waiting, *self._running.values()]
            self._left.update(self._running)
            self._threads -= len(self._running)
            self._waiting.clear()
            self._running.clear()
        for job in given_up:
            job.done.set_exception(ProcessEnds() if job.lost is no_report else None)
        return [job.lost for job in given_up if job.lost]

    def open(self) -> None:
        """Accept jobs again after ``close()``."""
        with self._changed:
            self.is_closed = self._is_stopped = False

    def _queue(self, job: Job) -> bool:
        """Queue ``job`` if there is a thread to run it. The caller must hold the lock."""
        self._waiting.add(job)
        self._wake()
        if not self._threads:
            self._waiting.clear()  # it contained only this job
        return self._threads > 0

    def _wake(self) -> None:
        """Wake or start a thread for a new job or deadline. The caller must hold the lock."""
        free = self._threads - len(self._running)
        needs_worker = self._threads < self.workers and free < len(self._waiting)
        needs_watcher = not free and self._calls.next_deadline < math.inf
        if needs_worker or needs_watcher:
            with suppress(RuntimeError):  # at shutdown, or if there are too many threads
                threading.Thread(target=self._work, name="swap_user jobs", daemon=True).start()
                self._threads += 1
        self._changed.notify()

    def _abandon_late_calls(self, now: float) -> None:
        for thread, call in self._calls.items():
            if call.deadline <= now:
                call.abandon()
                self._threads -= 1
                job = self._running.pop(thread)
                error = TimedOut(f"not done after {call.seconds:g} s")
                job.start, job.function = 0.0, partial(call.expired, error)
                job.lost = job.function
                self._waiting.add(job)

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
                    self._left.discard(thread)
                    return  # it was abandoned
                self._done.notify_all()
                if job.repeats:
                    job.repeats = False
                    self._waiting.add(job)
                    continue
            job.done.set_exception(error)

    def _next(self) -> Job | None:
        """Watch the deadlines until a job can start. Return it, or None if this thread must end."""
        is_idle = False
        with self._changed:
            while True:
                now = time.monotonic()
                self._abandon_late_calls(now)
                wake_at = self._calls.next_deadline
                if job := self._first(now):
                    if self._drains or job.start <= now:
                        self._waiting.remove(job)
                        self._running[threading.current_thread()] = job
                        self._wake()
                        return job
                    wake_at = min(wake_at, job.start)
                if is_idle and wake_at == math.inf:
                    self._threads -= 1
                    return None
                has_timed_out = not self._changed.wait(min(wake_at - now, self.idle))
                is_idle = has_timed_out and wake_at == math.inf

    def _first(self, now: float) -> Job | None:
        """Return the job that a free thread runs next, or None. It may not be due yet."""
        if self._is_stopped:
            return None
        is_draining = self._drains > 0  # all jobs are due
        due = math.inf if is_draining else now
        running = self._running.values()
        return self._waiting.first(due, running, self.workers, is_draining=is_draining)
