"""Two lanes: a flood of jobs in one of them does not hold up the other one."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from swap_user.otp.background.calls import (
    MOST_ABANDONED,
    MOST_AT_ONCE,
    ReceiverBusy,
    TooManyHanging,
)
from swap_user.otp.background.lanes import share
from tests import ROOT
from tests.otp.background.helpers import PLENTY, limited

LANES = pytest.mark.parametrize("is_urgent", [True, False], ids=["urgent", "others"])


class Flood:
    """Jobs whose calls hang until the test ends them."""

    def __init__(self, pool, is_urgent):
        self.pool, self.is_urgent = pool, is_urgent
        self.began, self.may_end = threading.Semaphore(0), threading.Semaphore(0)
        self.running, self.most, self.lock = 0, 0, threading.Lock()

    def submit(self, numbers):
        """Submit jobs with these numbers, and return how many were accepted."""
        answers = [self.pool.submit(self._job(each), is_urgent=self.is_urgent) for each in numbers]
        assert set(answers) <= {"", "the queue is full"}
        return answers.count("")

    def wait_for(self, number):
        """Wait until so many more have begun."""
        for _ in range(number):
            assert self.began.acquire(timeout=PLENTY)

    def end(self, number=1000):
        """Let so many calls return, by default all of them."""
        self.may_end.release(number)

    def _job(self, number):
        return limited(self.pool, self._hang, receiver=f"{self.is_urgent} {number}")

    def _hang(self):
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        self.began.release()
        self.may_end.acquire()
        with self.lock:
            self.running -= 1


@pytest.fixture
def flood(make_pool):
    """Floods that end with the test."""
    floods = []

    def make(pool, *, is_urgent=False):
        floods.append(Flood(pool, is_urgent))
        return floods[-1]

    yield make
    for each in floods:
        each.end()


def run(pool, *, is_urgent, job=list):
    """Run a job in one of the lanes, and wait for its end. Raise its exception."""
    ended, errors = threading.Event(), []

    def step():
        try:
            job()
        except BaseException as error:
            errors.append(error)
        finally:
            ended.set()

    assert pool.submit(step, is_urgent=is_urgent) == ""
    assert ended.wait(PLENTY)
    for error in errors:
        raise error


# --- Threads ---


def test_an_urgent_job_starts_at_once_in_a_flood_of_others(make_pool, flood):
    """200 messages to strangers hang in the sender, and two threads are free for an owner's."""
    pool = make_pool()
    strangers = flood(pool)
    assert strangers.submit(range(200)) == 200
    strangers.wait_for(6)
    called = []
    for number in range(3):
        run(pool, is_urgent=True, job=limited(pool, partial(called.append, number)))
    assert called == [0, 1, 2]
    assert strangers.running == 6


def test_others_never_use_all_threads(make_pool, flood):
    """Not even for a moment, while the flood passes through."""
    pool = make_pool()
    strangers = flood(pool)
    strangers.submit(range(200))
    strangers.wait_for(6)
    for _ in range(100):
        strangers.end(1)
        strangers.wait_for(1)
    assert strangers.most == 6


def test_others_are_not_starved_by_urgent_jobs(make_pool, flood):
    """Two threads are free for them; and each urgent job that ends makes way until there are."""
    pool = make_pool()
    known = flood(pool, is_urgent=True)
    known.submit(range(50))
    known.wait_for(8)  # all threads, because no other job waits
    done = threading.Event()
    pool.submit(done.set)
    assert not done.is_set()
    known.end(1)
    assert done.wait(PLENTY)
    known.wait_for(1)
    strangers = flood(pool)
    strangers.submit(range(50))
    known.end(2)
    strangers.wait_for(2)
    assert (known.running, strangers.running) == (6, 2)


def test_urgent_jobs_use_all_threads_when_no_other_job_waits(make_pool, flood):
    """Known browsers lose no thread; also when the last other job has started."""
    pool = make_pool()
    strangers = flood(pool)
    strangers.submit(range(1))
    strangers.wait_for(1)
    known = flood(pool, is_urgent=True)
    known.submit(range(50))
    known.wait_for(7)
    strangers.end(1)
    known.wait_for(1)


def test_urgent_jobs_come_first(make_pool, release):
    """Of those that are due, whichever was asked for first."""
    pool, order = make_pool(workers=1), []
    began = threading.Event()
    pool.submit(lambda: began.set() or release.wait())
    assert began.wait(PLENTY)
    for number in range(3):
        pool.submit(partial(order.append, f"other {number}"))
    for number in range(3):
        pool.submit(partial(order.append, f"urgent {number}"), is_urgent=True)
    release.set()
    assert pool.drain(PLENTY)
    assert [word.split()[0] for word in order] == ["urgent"] * 3 + ["other"] * 3


def test_an_urgent_job_that_is_not_due_is_not_waited_for(make_pool):
    """Another job that is due starts."""
    pool = make_pool(delays=(3600.0, 3600.0))
    order = []
    pool.submit(partial(order.append, "urgent"), is_urgent=True)
    pool.delays = (0.0, 0.0)
    run(pool, is_urgent=False, job=partial(order.append, "other"))
    assert order == ["other"]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_small_pool_keeps_no_thread_free(make_pool, flood, workers):
    """There are too few; urgent jobs come first, and that is all."""
    pool = make_pool(workers=workers)
    strangers = flood(pool)
    strangers.submit(range(10))
    strangers.wait_for(workers)


# --- Places in the queue ---


@LANES
def test_a_queue_that_one_lane_has_filled_has_room_for_the_other(make_pool, flood, is_urgent):
    """A quarter of its places."""
    pool = make_pool(workers=4, capacity=8)
    one = flood(pool, is_urgent=is_urgent)
    other = flood(pool, is_urgent=not is_urgent)
    other.submit(range(1))
    other.wait_for(1)
    one.submit(range(3))
    one.wait_for(3)
    assert one.submit(range(3, 100)) == 6
    assert other.submit(range(1, 100)) == 2
    assert pool.unfinished == 4 + 8
    assert one.submit(range(100, 110)) == 0


@LANES
def test_a_job_in_a_full_lane_is_not_repeated(make_pool, flood, is_urgent):
    """But one of the other lane is, in its own lane."""
    pool, answers = make_pool(workers=4, capacity=8), []
    one, other = flood(pool, is_urgent=is_urgent), flood(pool, is_urgent=not is_urgent)
    other.submit(range(1))
    other.wait_for(1)
    one.submit(range(2))
    one.wait_for(2)

    def fail():
        assert one.submit(range(2, 100)) == 6
        answers.append(pool.again(3600, list, lost=list))

    run(pool, is_urgent=is_urgent, job=fail)
    assert answers == [False]
    repeated = threading.Event()
    pool.submit(lambda: pool.again(0, repeated.set, lost=list), is_urgent=not is_urgent)
    other.end(1)
    assert repeated.wait(PLENTY)


# --- Another attempt ---


def test_another_attempt_of_an_urgent_job_is_urgent(make_pool, flood):
    """It does not join the queue of the others, and the flood does not make it give up."""
    pool, busy, threads = make_pool(), [], []
    strangers = flood(pool)
    strangers.submit(range(200))
    strangers.wait_for(6)
    sent = threading.Event()

    def attempt(number):
        busy.append(pool.is_busy)
        threads.append(threading.current_thread())
        if number == 3:
            sent.set()
        else:
            assert pool.again(0.001, partial(attempt, number + 1), lost=list)

    pool.submit(partial(attempt, 1), is_urgent=True)
    assert sent.wait(PLENTY)
    assert busy == [False] * 3
    assert strangers.running == 6


@LANES
def test_each_lane_is_busy_for_itself(make_pool, flood, is_urgent):
    """When it has more unfinished jobs than threads."""
    pool, answers = make_pool(), []
    one = flood(pool, is_urgent=is_urgent)
    one.submit(range(5))
    one.wait_for(5)

    def ask(then=list):
        then()
        answers.append(pool.is_busy)

    run(pool, is_urgent=is_urgent, job=ask)
    run(pool, is_urgent=is_urgent, job=partial(ask, lambda: one.submit(range(5, 7))))
    one.wait_for(1)
    run(pool, is_urgent=not is_urgent, job=ask)
    assert answers == [False, True, False]


# --- Calls ---


@LANES
def test_a_receiver_who_is_busy_for_one_lane_is_not_for_the_other(make_pool, release, is_urgent):
    """Strangers who ask for an owner's code don't hold up the one that the owner asks for."""
    pool, began, called = make_pool(), threading.Semaphore(0), []
    hang = limited(pool, lambda: began.release() or release.wait(), receiver="owner")
    for _ in range(MOST_AT_ONCE):
        pool.submit(hang, is_urgent=is_urgent)
    for _ in range(MOST_AT_ONCE):
        assert began.acquire(timeout=PLENTY)
    call = limited(pool, partial(called.append, 1), receiver="owner")
    with pytest.raises(ReceiverBusy):
        run(pool, is_urgent=is_urgent, job=call)
    run(pool, is_urgent=not is_urgent, job=call)
    assert called == [1]


@LANES
def test_calls_that_hang_in_one_lane_leave_some_to_the_other(make_pool, release, is_urgent):
    """And both together have no more than before."""
    pool, reports = make_pool(), threading.Semaphore(0)

    def hang(receiver):
        def expired(error):
            reports.release()

        return limited(pool, release.wait, 0.001, receiver=receiver, expired=expired)

    def hang_in(lane, number):
        for each in range(number):
            assert pool.submit(hang(f"{lane} {each}"), is_urgent=lane) == ""
            assert reports.acquire(timeout=PLENTY)

    most = share(MOST_ABANDONED)
    hang_in(is_urgent, most)
    with pytest.raises(TooManyHanging, match="12 earlier calls"):
        run(pool, is_urgent=is_urgent, job=limited(pool, list, receiver="next"))
    hang_in(not is_urgent, MOST_ABANDONED - most)
    for lane in (True, False):
        with pytest.raises(TooManyHanging, match="16 earlier calls"):
            run(pool, is_urgent=lane, job=limited(pool, list, receiver="next"))


def test_a_call_that_hangs_is_reported_in_a_flood(make_pool, flood, release):
    """At once, in whichever lane; it gives its thread of the lane back."""
    pool, reports = make_pool(), threading.Semaphore(0)
    late = limited(pool, release.wait, 0.001, receiver="x", expired=lambda _: reports.release())
    pool.submit(late)
    strangers = flood(pool)
    strangers.submit(range(200))
    strangers.wait_for(6)
    assert reports.acquire(timeout=PLENTY)
    pool.submit(late, is_urgent=True)
    assert reports.acquire(timeout=PLENTY)
    run(pool, is_urgent=True)


# --- The end ---


@pytest.fixture
def closing():
    """Closes a pool in a thread, and returns what waits for its reports."""
    with ThreadPoolExecutor() as executor:
        yield lambda pool: executor.submit(pool.close, PLENTY).result


def test_at_the_end_urgent_jobs_come_before_others(make_pool, flood, closing):
    """They are sent although messages to strangers hang, and would take all of the time."""
    pool, sent = make_pool(delays=(3600.0, 3600.0)), threading.Semaphore(0)
    strangers = flood(pool)
    strangers.submit(range(200))
    for _ in range(20):
        pool.submit(sent.release, is_urgent=True)
    reports = closing(pool)
    for _ in range(20):
        assert sent.acquire(timeout=PLENTY)
    strangers.end()
    assert reports() == []


def test_at_the_end_they_come_first_even_if_they_are_due_later(make_pool):
    """All jobs are due."""
    pool, order = make_pool(workers=1, delays=(3600.0, 3600.0)), []
    for number in range(3):
        pool.submit(partial(order.append, f"other {number}"))
    pool.delays = (7200.0, 7200.0)
    for number in range(3):
        pool.submit(partial(order.append, f"urgent {number}"), is_urgent=True)
    assert pool.close(PLENTY) == []
    assert [word.split()[0] for word in order] == ["urgent"] * 3 + ["other"] * 3


def test_at_the_end_no_thread_is_kept_free(make_pool, flood, closing):
    """No urgent job will come that it could be kept for: others use all eight."""
    pool = make_pool(delays=(3600.0, 3600.0))
    strangers = flood(pool)
    strangers.submit(range(20))
    reports = closing(pool)
    strangers.wait_for(8)
    strangers.end()
    assert reports() == []


def test_what_is_urgent_is_reported_too(make_pool, release):
    """If it was not sent in time, each message has its report, in both lanes."""
    pool, told = make_pool(), []
    for lane in (True, False) * 10:
        pool.submit(release.wait, lost=partial(told.append, lane), is_urgent=lane)
    for report in pool.close(0):
        report()
    assert sorted(told) == [False] * 10 + [True] * 10


def test_a_call_that_was_given_up_at_the_end_is_not_watched_any_more(make_pool, flood, monkeypatch):
    """A pool that is opened again goes on when the time limit of that call is over."""
    pool = make_pool()
    strangers = flood(pool)
    strangers.submit(range(1))
    strangers.wait_for(1)
    assert len(pool.close(0.01)) == 1
    assert pool.abandoned == 1
    later = time.monotonic() + 2 * PLENTY
    monkeypatch.setattr(time, "monotonic", lambda: later)
    pool.open()
    run(pool, is_urgent=False)


def test_a_process_sends_what_is_urgent_before_it_ends():
    """The messages to strangers hang until this is done, and are sent then."""
    script = """
import os, threading
from django.conf import settings
settings.configure()
from swap_user.otp.background import lifecycle
lifecycle.EXIT_LIMIT = 60
pool, hanging, all_sent = lifecycle.current(), threading.Semaphore(0), threading.Event()
sent = []

def stranger():
    hanging.release()
    all_sent.wait()
    os.write(1, b"stranger ")

def owner():
    os.write(1, b"owner ")
    sent.append(1)
    if len(sent) == 20:
        all_sent.set()

pool.delays = (0, 0)
for _ in range(200):
    pool.submit(stranger)
for _ in range(6):
    hanging.acquire()
pool.delays = (3600, 3600)
for _ in range(20):
    pool.submit(owner, is_urgent=True)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.split() == ["owner"] * 20 + ["stranger"] * 200
    assert not done.stderr
