"""Calls with a time limit: one that hangs costs a thread, and nothing else."""

import random
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest
from django.db import connection, transaction

from swap_user.otp.background.inline import inline, release_connections
from swap_user.otp.background.thread_pool import (
    MOST_ABANDONED,
    MOST_AT_ONCE,
    ReceiverBusy,
    Stopped,
    ThreadPool,
    TooManyHanging,
)
from tests import ROOT

PLENTY = 30  # seconds, for what takes none
SOON = 0.001  # a limit that every hanging call exceeds


@pytest.fixture
def release():
    """What hanging calls wait for; set at the end of the test."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def make_pool(release):
    """Pools, which are empty and have no abandoned calls when the test is over."""
    pools = []

    def make(**options):
        pools.append(ThreadPool(**{"delays": (0.0, 0.0), "idle": 0.05, **options}))
        return pools[-1]

    yield make
    release.set()
    for pool in pools:
        assert pool.drain(PLENTY)
        wait_until(lambda pool=pool: not pool.abandoned and not pool._threads)


def wait_until(condition):
    deadline = time.monotonic() + PLENTY
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def limited(pool, call, seconds=PLENTY, receiver="a", expired=lambda error: None, after=list):
    """Return a job that makes a call, and does something after it."""

    def job():
        with pool.limited(seconds, receiver=receiver, expired=expired):
            call()
        after()

    return job


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
    for number in range(MOST_ABANDONED):
        pool.run(limited(pool, release.wait, SOON, receiver=str(number)))
    job = limited(pool, lambda: called.append(1), receiver="next")
    with pytest.raises(TooManyHanging, match="16 earlier calls"):
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


# --- Waiting for a job ---


def test_run_waits_and_raises(make_pool):
    """As if the job had run here; a job of the pool's own runs there."""
    pool, threads = make_pool(workers=1, delays=(3600, 3600)), []

    def job():
        threads.append(threading.current_thread())
        if len(threads) == 1:
            pool.run(job)

    pool.run(job)
    assert len(set(threads)) == 1
    assert threading.current_thread() not in threads
    with pytest.raises(ZeroDivisionError):
        pool.run(lambda: 1 / 0)
    with pytest.raises(SystemExit):
        pool.run(sys.exit)


def test_run_does_not_wait_for_room(make_pool):
    """Who waits needs no place in the queue."""
    pool, ran = make_pool(capacity=0), []
    pool.run(lambda: ran.append(1))
    assert ran == [1]


def test_inline_it_runs_here(make_pool):
    """Without a limit."""
    pool, ran = make_pool(), []
    token = inline.set(True)
    try:
        pool.run(limited(pool, lambda: ran.append(threading.current_thread()), 0))
    finally:
        inline.reset(token)
    assert ran == [threading.current_thread()]


@pytest.mark.django_db(transaction=True)
def test_who_waits_holds_no_database_connection(make_pool):
    """But inline, and in a transaction, it stays."""
    pool = make_pool()
    connection.ensure_connection()
    pool.run(list)
    assert connection.connection is None
    with transaction.atomic():
        pool.run(list)
        assert connection.connection is not None
    connection.ensure_connection()
    token = inline.set(True)
    try:
        release_connections()
    finally:
        inline.reset(token)
    assert connection.connection is not None


def test_at_exit_a_call_that_hangs_is_reported():
    """If its limit comes before that of the process."""
    script = """
from django.conf import settings
settings.configure()
import os, threading
from swap_user.otp.background import thread_pool
pool, began = thread_pool.current(), threading.Event()

def job():
    with pool.limited(0.2, receiver="slow", expired=lambda error: os.write(1, b"reported")):
        began.set()
        threading.Event().wait()
    os.write(1, b"never")

pool.submit(job)
began.wait()
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "reported"
    assert not done.stderr
