"""A thread that waits for a job, and a process that waits at exit."""

import subprocess
import sys
import threading

import pytest
from django.db import connection, transaction

from swap_user.otp.connections import inline, release_connections
from tests import ROOT
from tests.otp.background.helpers import limited


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
from swap_user.otp.background import lifecycle
pool, began = lifecycle.current(), threading.Event()

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
