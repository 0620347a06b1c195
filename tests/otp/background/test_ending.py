"""When a process ends, each message is sent, or logged and signalled one by one; none is lost."""

import os
import re
import subprocess
import sys
import threading

import pytest

from swap_user.otp.store import keys
from tests import ROOT
from tests.otp.background.helpers import PLENTY, limited
from tests.otp.background.test_processes import Project

CHILD = """
import multiprocessing, sys
from django.conf import settings
settings.configure()
from swap_user.otp.background import lifecycle

def work():
    lifecycle.current().submit(lambda: print("delivered", flush=True))

if __name__ == "__main__":
    process = multiprocessing.get_context(sys.argv[1]).Process(target=work)
    process.start()
    process.join()
"""

DISTURBED = """
import os, signal, sys, threading
from django.conf import settings
settings.configure()
from swap_user.otp.background import lifecycle

def job():
    # The main thread is in the exit handler now.
    threading.main_thread().join(0.2)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        os.kill(os.getpid(), number)
    print("delivered", flush=True)

signal.signal(signal.SIGQUIT, lambda *args: sys.exit(1))
lifecycle.current().delays = (3600, 3600)
lifecycle.current().submit(job)
"""

# The accounts of the project below.
NAMES = [f"user{number}@example.com" for number in range(20)]

SEND_ALL = f"""
import sys
import django
django.setup()
from swap_user import signals
from swap_user.otp import send_code
from swap_user.otp.background import lifecycle

def failed(user, error, account=None, **kwargs):
    sys.stderr.write(f"signalled {{user.pk if user else account}}\\n")

signals.delivery_failed.connect(failed)
for name in {NAMES}:
    send_code(None, name)
"""

SLOW = """
import threading
from sender import AbstractOTPSender, FileSender

class SlowSender(FileSender):
    sending = threading.Semaphore(5)
    hanging = threading.Semaphore(0)

    def send(self, receiver, otp, **kwargs):
        if not self.sending.acquire(blocking=False):
            super().send(receiver, otp, **kwargs)
            self.hanging.release()
            threading.Event().wait()
        super().send(receiver, otp, **kwargs)

class BrokenSender(AbstractOTPSender):
    def send(self, receiver, otp, **kwargs):
        raise ConnectionError("no mail server")
"""


# Of the eight threads, two begin with messages to strangers only when the process ends.
END = """
from sender import SlowSender
for _ in range(6):
    assert SlowSender.hanging.acquire(timeout=20)
lifecycle.EXIT_LIMIT = 4
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory, shared_redis):
    """A project with twenty accounts."""
    project = Project(tmp_path_factory.mktemp("ending"))
    make = "django.setup(); from django.contrib.auth import get_user_model as model\n"
    rows = f"model().objects.bulk_create(model()(email=name) for name in {NAMES})"
    project.run("-c", f"import django; {make}{rows}")
    sender = project.folder / "sender.py"
    sender.write_text(sender.read_text() + SLOW.replace("from sender import", "#"))
    return project


@pytest.mark.heavy
def test_each_message_is_sent_or_reported(project):
    """Some are sent, some are begun, some never begin: every one has its line and its signal."""
    stderr = project.run("-c", SEND_ALL + END, sender="SlowSender")
    touched = [receiver for receiver, _ in project.sent]
    assert len(touched) == len(set(touched))
    pks = dict(zip(NAMES, user_pks(project), strict=True))
    begun = re.findall(r"^code not sent: user=(\w+) error=ProcessEnds", stderr, re.MULTILINE)
    dropped = re.findall(
        r"^job dropped: job=send_code account=(\w+) reason=the process ends$", stderr, re.MULTILINE
    )
    signalled = re.findall(r"^signalled (\w+)$", stderr, re.MULTILINE)
    assert len(begun) == len(set(begun)) == 8
    assert sorted(signalled) == sorted(begun + dropped)
    never = {name for name in NAMES if keys.account_key(name) in dropped}
    hanging = {name for name in NAMES if pks[name] in begun}
    assert len(never) == len(dropped) == 7
    assert set(touched) | never == set(NAMES)
    assert hanging <= set(touched)
    assert not never & set(touched)
    assert "jobs lost at exit: count=15" in stderr


def test_pauses_do_not_eat_the_time(project):
    """A sender that fails is tried again at once, and given up within the limit."""
    stderr = project.run(
        "-c",
        SEND_ALL + "from swap_user.otp.delivery import retry; retry.PAUSE = 100",
        sender="BrokenSender",
    )
    failed = re.findall(r"^code not sent: user=\d+ error=ConnectionError", stderr, re.MULTILINE)
    assert len(failed) == len(NAMES)
    assert len(re.findall("^signalled ", stderr, re.MULTILINE)) == len(NAMES)
    assert "jobs lost at exit" not in stderr


def user_pks(project):
    """Return the primary keys of the accounts, in order."""
    import sqlite3

    database = sqlite3.connect(project.folder / "db.sqlite3")
    try:
        table = "swap_to_email_otp_emailotpuser"
        rows = database.execute(f"SELECT id FROM {table} WHERE email LIKE 'user%' ORDER BY id")
        return [str(pk) for (pk,) in rows]
    finally:
        database.close()


def reports(lost):
    """Return a pool's reports, called."""
    return [report() for report in lost]


def test_what_waits_is_run_or_reported(make_pool, release):
    """One by one; what has ended is not reported."""
    pool, ran = make_pool(workers=1), []
    pool.submit(lambda: ran.append(1), lost=lambda: "first")
    pool.submit(release.wait, lost=lambda: "second")
    pool.submit(lambda: ran.append(3), lost=lambda: "third")
    assert sorted(reports(pool.close(0.1))) == ["second", "third"]
    assert ran == [1]
    release.set()
    assert pool.drain(PLENTY)
    assert ran == [1]


def test_a_call_under_way_is_reported_once(make_pool, release):
    """When it returns, the rest of its job is not run, and no further call is made."""
    pool, told, began = make_pool(), [], threading.Event()

    def call():
        began.set()
        release.wait()

    job = limited(pool, call, expired=told.append, after=lambda: told.append("after"))
    pool.submit(job, lost=lambda: told.append("lost"))
    assert began.wait(PLENTY)
    for report in pool.close(0.1):
        report()
    ((error),) = told
    assert type(error).__name__ == "ProcessEnds"
    release.set()
    assert pool.drain(PLENTY)
    assert told == [error]


def test_a_job_that_was_reported_makes_no_call(make_pool, release):
    """It has read its user too slowly; its message is not sent after the report."""
    pool, told, began = make_pool(), [], threading.Event()

    def job():
        began.set()
        release.wait()
        limited(pool, lambda: told.append("call"))()

    pool.submit(job, lost=lambda: told.append("lost"))
    assert began.wait(PLENTY)
    for report in pool.close(0.1):
        report()
    release.set()
    assert pool.drain(PLENTY)
    assert told == ["lost"]


def test_after_the_end_nothing_is_accepted(make_pool):
    """The caller gets a reason; a server that starts anew opens the pool again."""
    pool, ran = make_pool(), []
    assert pool.close(PLENTY) == []
    assert pool.submit(lambda: ran.append(1)) == "the process ends"
    pool.open()
    assert pool.submit(lambda: ran.append(2)) == ""
    assert pool.drain(PLENTY)
    assert ran == [2]


def test_a_pause_takes_no_thread(make_pool):
    """One thread serves another job while the first one waits to be tried again."""
    pool, order = make_pool(workers=1, delays=(0.0, 0.0)), []

    def first():
        order.append("first")
        assert pool.again(3600, lambda: order.append("again"), lost=lambda: None)

    pool.submit(first)
    second = threading.Event()
    pool.submit(second.set)
    assert second.wait(PLENTY)
    assert order == ["first"]
    assert pool.drain(PLENTY)
    assert order == ["first", "again"]


def test_who_waits_for_a_job_waits_for_its_repetition(make_pool):
    """The worker of a task queue marks the task as done when the message is sent."""
    pool, order = make_pool(), []

    def last():
        order.append("again")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        pool.run(lambda: pool.again(0.01, last, lost=lambda: None))
    assert order == ["again"]


def test_reports_are_logged_before_a_receiver_can_hang(monkeypatch):
    """Signals are sent when all lines are written."""
    from swap_user.otp.background.deferred import signals_last

    order = []
    with signals_last() as later:
        for number in range(2):
            order.append(f"line {number}")
            later.append(lambda number=number: order.append(f"signal {number}"))
    assert order == ["line 0", "line 1", "signal 0", "signal 1"]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_child_of_multiprocessing_delivers(tmp_path, method):
    """Some servers make their workers so; such a process calls no exit handlers if forked."""
    (tmp_path / "child.py").write_text(CHILD)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "child.py", method],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("delivered\n", "")


def test_a_further_signal_does_not_disturb_it():
    """gunicorn sends SIGQUIT to a worker that ends by SIGINT."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", DISTURBED],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "delivered\n", "")
