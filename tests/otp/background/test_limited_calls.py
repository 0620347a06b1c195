"""Calls with a time limit: one that hangs costs a thread, and nothing else."""

import random
import sys
import threading
import time
from collections import Counter

import pytest

from swap_user.otp.background.calls import (
    MOST_ABANDONED,
    MOST_AT_ONCE,
    ReceiverBusy,
    Stopped,
    TooManyHanging,
)
from swap_user.otp.background.lanes import share
from tests.otp.background.helpers import PLENTY, limited, wait_until

SOON = 0.001  # a limit that every hanging call exceeds


def test_a_call_runs_in_the_thread_of_its_job(make_pool):
    """Each message takes one thread."""
    pool, threads = make_pool(), []

    def note():
        threads.append(threading.current_thread())

    def job():
        note()
        limited(pool, note, after=note)()

    pool.run(job)
    assert len(threads) == 3
    assert len(set(threads)) == 1


def test_what_a_call_raises_is_raised(make_pool):
    """What would end the thread is made an exception."""
    pool = make_pool()
    with pytest.raises(ZeroDivisionError):
        pool.run(limited(pool, lambda: 1 / 0))
    with pytest.raises(StopIteration):
        pool.run(limited(pool, lambda: next(iter(()))))
    with pytest.raises(Stopped, match="SystemExit"):
        pool.run(limited(pool, sys.exit))
    with pytest.raises(Stopped, match="KeyboardInterrupt"):
        pool.run(limited(pool, interrupt))
    assert not pool.abandoned


def interrupt():
    raise KeyboardInterrupt


def test_a_call_that_hangs_is_reported_at_once_and_once(make_pool, release):
    """In another thread, and the rest of its job is never run, even when the call returns."""
    pool, reports, late = make_pool(), [], []
    threads = []

    def call():
        threads.append(threading.current_thread())
        release.wait()

    def expired(error):
        reports.append((str(error), threading.current_thread()))

    pool.run(limited(pool, call, SOON, expired=expired, after=lambda: late.append(1)))
    ((text, reporter),) = reports
    assert text == "not done after 0.001 s"
    assert reporter is not threads[0]
    assert pool.abandoned == 1
    assert pool.unfinished == 0
    release.set()
    wait_until(lambda: not threads[0].is_alive())
    assert pool.abandoned == 0
    assert (len(reports), late) == (1, [])


@pytest.mark.parametrize("end", [lambda: 1 / 0, sys.exit])
def test_what_a_late_call_raises_is_nothing_any_more(make_pool, release, end):
    """Its failure is reported already."""
    pool, reports, caught = make_pool(), [], []

    def job():
        try:
            limited(pool, lambda: release.wait() and end(), SOON, expired=reports.append)()
        except Exception as error:
            caught.append(error)

    pool.run(job)
    release.set()
    wait_until(lambda: not pool.abandoned)
    assert len(reports) == 1
    assert not caught


def test_others_take_over(make_pool, release):
    """A pool whose threads all hang goes on with what waits."""
    pool, reports, ran = make_pool(workers=2), [], []
    for number in range(6):
        job = limited(pool, release.wait, SOON, receiver=str(number), expired=reports.append)
        assert pool.submit(job) == ""
    pool.submit(lambda: ran.append(1))
    assert pool.drain(PLENTY)
    assert ran == [1]
    assert len(reports) == pool.abandoned == 6


def test_a_full_queue_takes_the_report_still(make_pool, release):
    """It comes first."""
    pool, order, began = make_pool(workers=1, capacity=2), [], threading.Event()
    hanging = limited(
        pool, lambda: began.set() or release.wait(), 0.05, expired=lambda _: order.append("report")
    )
    pool.submit(hanging)
    assert began.wait(PLENTY)
    answers = {pool.submit(lambda: order.append("job")) for _ in range(3)}
    assert pool.drain(PLENTY)
    assert order[0] == "report"
    assert answers <= {"", "the queue is full"}


def test_so_many_may_hang(make_pool, release):
    """Further calls are refused; when some return, there is room again."""
    pool, called = make_pool(), []
    for number in range(share(MOST_ABANDONED)):
        pool.run(limited(pool, release.wait, SOON, receiver=str(number)))
    job = limited(pool, lambda: called.append(1), receiver="next")
    with pytest.raises(TooManyHanging, match="12 earlier calls"):
        pool.run(job)
    assert not called
    release.set()
    wait_until(lambda: not pool.abandoned)
    pool.run(job)
    assert called == [1]


def test_one_receiver_holds_up_only_two(make_pool, release):
    """A third call for them is refused; one for another receiver is not. Then there is room."""
    pool, called = make_pool(), []
    for _ in range(MOST_AT_ONCE):
        pool.run(limited(pool, release.wait, SOON, receiver="slow"))
    slow, other = (
        limited(pool, lambda name=name: called.append(name), receiver=name)
        for name in ("slow", "other")
    )
    with pytest.raises(ReceiverBusy):
        pool.run(slow)
    pool.run(other)
    release.set()
    wait_until(lambda: not pool.abandoned)
    pool.run(slow)
    assert called == ["other", "slow"]


def test_calls_count_for_their_receiver_before_they_are_late(make_pool, release):
    """Two that are under way are enough."""
    pool, began = make_pool(), threading.Semaphore(0)
    for _ in range(MOST_AT_ONCE):
        pool.submit(limited(pool, lambda: began.release() or release.wait(), receiver="slow"))
    for _ in range(MOST_AT_ONCE):
        assert began.acquire(timeout=PLENTY)
    with pytest.raises(ReceiverBusy):
        pool.run(limited(pool, list, receiver="slow"))


def test_an_idle_pool_still_watches(make_pool, release):
    """The thread that watches does not end before the deadline, however short ``idle`` is."""
    pool, reported = make_pool(idle=0.001), threading.Event()
    pool.submit(limited(pool, release.wait, 0.1, expired=lambda error: reported.set()))
    assert reported.wait(PLENTY)


def test_without_a_thread_to_watch_there_is_no_limit(make_pool, monkeypatch):
    """As while the interpreter shuts down."""
    pool, reports, ran = make_pool(workers=1), [], []
    started = threading.Event()
    proceed = threading.Event()

    def job():
        started.set()
        proceed.wait(PLENTY)
        limited(pool, lambda: ran.append(1), expired=reports.append, after=lambda: ran.append(2))()

    def refuse(self):
        raise RuntimeError("can't start new thread")

    pool.submit(job)
    assert started.wait(PLENTY)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        proceed.set()
        assert pool.drain(PLENTY)
    assert (ran, reports) == ([1, 2], [])


def test_outside_of_its_threads_there_is_no_limit(make_pool, release):
    """A pool can't abandon a thread that is not its own."""
    pool = make_pool()
    limited(pool, lambda: time.sleep(0.01), SOON)()
    assert not pool.abandoned


def test_each_job_has_one_result(make_pool):
    """Whether or not its call is just in time: a report, or what comes after the call."""
    pool, results = make_pool(workers=4), Counter()
    draw = random.Random(7)
    for number in range(400):
        seconds, limit = draw.choice([0, 0.001, 0.002]), draw.choice([0.001, 0.002])
        job = limited(
            pool,
            lambda seconds=seconds: time.sleep(seconds),
            limit,
            receiver=str(number),
            expired=lambda error, number=number: results.update([number]),
            after=lambda number=number: results.update([number]),
        )

        def reporting(job=job, number=number):
            try:
                job()
            except TooManyHanging:
                results.update([number])

        assert pool.submit(reporting) == ""
    assert pool.drain(PLENTY)
    assert results == Counter(range(400))
    wait_until(lambda: not pool.abandoned)
    assert not pool._calls
