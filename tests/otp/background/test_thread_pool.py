"""The threads of a process: bounded, soon, gone when idle, drained at exit, fork-safe."""

import os
import subprocess
import sys
import threading
import time

import pytest
from django.db import connections

from tests import ROOT
from tests.otp.background.helpers import PLENTY, wait_until

AT_ONCE = (0.0, 0.0)
NEVER = (3600.0, 3600.0)


def test_jobs_run_in_other_threads(make_pool):
    """All of them, none in the one that asks."""
    pool, ran = make_pool(), []
    for _ in range(50):
        assert pool.submit(lambda: ran.append(threading.current_thread())) == ""
    assert pool.drain(PLENTY)
    assert len(ran) == 50
    assert threading.current_thread() not in ran
    assert len(set(ran)) <= pool.workers


def test_a_full_queue_takes_no_more(make_pool, release):
    """Nothing is dropped that was accepted."""
    pool, ran = make_pool(workers=1, capacity=3), []
    began = threading.Event()
    assert pool.submit(lambda: began.set() or release.wait()) == ""
    assert began.wait(PLENTY)
    answers = [pool.submit(lambda: ran.append(1)) for _ in range(5)]
    assert answers == ["", "", "", "the queue is full", "the queue is full"]
    release.set()
    assert pool.drain(PLENTY)
    assert ran == [1, 1, 1]


def test_one_that_hangs_does_not_hold_up_the_others(make_pool, release):
    """There are more threads; and draining ends when its time is over."""
    pool, done = make_pool(workers=2), threading.Event()
    pool.submit(release.wait)
    pool.submit(done.set)
    assert done.wait(PLENTY)
    assert not pool.drain(0.01)
    assert pool.unfinished == 1


@pytest.mark.requirement("R33")
def test_a_job_starts_a_moment_later(make_pool):
    """Not beside the answer to the request that asked; draining skips the pause."""
    pool, began = make_pool(delays=(0.2, 0.3)), threading.Event()
    asked = time.monotonic()
    pool.submit(began.set)
    assert began.wait(PLENTY)
    assert time.monotonic() - asked >= 0.2
    pool = make_pool(delays=NEVER)
    ran = []
    for _ in range(20):
        pool.submit(lambda: ran.append(1))
    assert not ran
    assert pool.drain(PLENTY)
    assert len(ran) == 20


def test_a_later_job_whose_time_comes_sooner_is_not_kept_waiting(make_pool):
    """Threads wait for whichever is next, not for whichever came first."""
    pool, began = make_pool(delays=NEVER), threading.Event()
    pool.submit(lambda: None)
    pool.delays = AT_ONCE
    pool.submit(began.set)
    assert began.wait(PLENTY)


def test_idle_threads_end_and_come_back(make_pool):
    """A quiet process has none."""
    pool, ran = make_pool(), []
    for _ in range(2):
        pool.submit(lambda: ran.append(threading.current_thread()))
        assert pool.drain(PLENTY)
        wait_until(lambda: not ran[-1].is_alive())
    assert len(ran) == 2
    assert len(set(ran)) == 2


def test_a_job_that_raises_takes_no_thread_with_it(make_pool):
    """Jobs catch what goes wrong in them; one that does not spoils nothing."""
    pool, ran = make_pool(workers=1), []
    for job in (lambda: 1 / 0, sys.exit, lambda: ran.append(1)):
        pool.submit(job)
    assert pool.drain(PLENTY)
    assert ran == [1]


def test_where_no_thread_can_be_started(make_pool, monkeypatch):
    """At the end of the interpreter, say: the caller gets the reason, and the queue stays empty."""
    pool = make_pool()

    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert pool.submit(lambda: None) == "no thread can be started"
    assert pool.unfinished == 0
    ran = []
    pool.run(lambda: ran.append(threading.current_thread()))
    assert ran == [threading.current_thread()]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fails", [False, True])
def test_database_connections_are_closed_after_each_job(make_pool, fails):
    """None is left to go stale."""
    used = []

    def use():
        wrapper = connections["default"]
        with wrapper.cursor() as cursor:
            cursor.execute("SELECT 1")
        used.append((wrapper, wrapper.connection))
        if fails:
            raise ValueError("a sender of the project's")

    pool = make_pool()
    pool.submit(use)
    assert pool.drain(PLENTY)
    ((wrapper, opened),) = used
    assert opened is not None
    assert wrapper.connection is None


# --- The process's end, and its children ---

SCRIPT = """
import os, sys, threading, time
from django.conf import settings
settings.configure()
from swap_user.otp.background import lifecycle
lifecycle.current().delays = (3600, 3600)

def write(word):
    os.write(1, f"{word} {os.getpid()}\\n".encode())
"""


def run(script, **options):
    """Run a script, and return what it printed and how long it took."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT + script],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        **options,
    )
    return done.stdout.splitlines(), done.stderr, time.monotonic() - began


@pytest.mark.parametrize("end", ["", "sys.exit(0)", "raise SystemExit"])
def test_what_was_accepted_is_done_at_exit(end):
    """At once, however the program ends."""
    out, err, _ = run(
        "for _ in range(20): lifecycle.current().submit(lambda: write('done'))\n" + end
    )
    assert len(out) == 20
    assert not err


def test_a_job_that_hangs_does_not_hold_the_process():
    """It is waited for as long as the limit says, and the log says what was lost."""
    out, err, seconds = run(
        """
lifecycle.EXIT_LIMIT = 0.5
lifecycle.current().submit(threading.Event().wait)
lifecycle.current().submit(lambda: write('done'))
"""
    )
    assert [line.split()[0] for line in out] == ["done"]
    assert "jobs lost at exit: count=1" in err
    assert seconds < 30


def test_a_child_begins_anew():
    """It runs its own jobs and not its parent's, though the parent's threads were at work."""
    out, err, _ = run(
        """
pool = lifecycle.current()
pool.delays = (0, 0)
busy, release = threading.Event(), threading.Event()
pool.submit(lambda: (busy.set(), release.wait()))
busy.wait()
def hang():
    with pool.limited(0.01, receiver="slow", expired=lambda error: None):
        release.wait()
pool.run(hang)
assert pool.abandoned == 1
pool.delays = (3600, 3600)
for _ in range(3): pool.submit(lambda: write('parent'))
print(os.getpid(), flush=True)
if not (child := os.fork()):
    assert lifecycle.current() is not pool
    assert lifecycle.current().abandoned == 0
    lifecycle.current().submit(lambda: write('child'))
    lifecycle.current().run(lambda: write('waited'))
    sys.exit()
assert os.waitpid(child, 0)[1] == 0
release.set()
"""
    )
    parent, *lines = out
    assert not err
    words = [line.split() for line in lines]
    assert sorted(word for word, _ in words) == ["child", "parent", "parent", "parent", "waited"]
    assert all((pid == parent) == (word == "parent") for word, pid in words)
