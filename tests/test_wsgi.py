"""`swap_user.wsgi.drained`: SIGTERM ends a process as Ctrl-C does, where nobody else handles it."""

import signal
import subprocess
import sys
import threading

import pytest

from swap_user import wsgi
from swap_user.otp.background import lifecycle
from tests import ROOT


@pytest.fixture(autouse=True)
def _as_before(monkeypatch):
    """The handler and the limit of this process."""
    monkeypatch.setattr(lifecycle, "EXIT_LIMIT", lifecycle.EXIT_LIMIT)
    handler = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, handler)


def application(environ, start_response):
    return []


def test_the_application_is_the_same():
    """Nothing is wrapped around it."""
    assert wsgi.drained(application, seconds=25) is application
    assert lifecycle.EXIT_LIMIT == 25


@pytest.mark.parametrize("handler", [signal.SIG_IGN, lambda number, frame: None])
def test_a_server_that_handles_the_signal_goes_on_doing_so(handler):
    """gunicorn, say."""
    signal.signal(signal.SIGTERM, handler)
    wsgi.drained(application)
    assert signal.getsignal(signal.SIGTERM) is handler


def test_in_another_thread_nothing_is_changed():
    """Python has no way to; runserver with its reloader handles the signal itself."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    thread = threading.Thread(target=wsgi.drained, args=[application])
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


SCRIPT = """
import signal, sys, threading
from django.conf import settings
settings.configure()
from swap_user.otp.background import lifecycle
from swap_user.wsgi import drained
drained(print)
lifecycle.current().submit(lambda: print("delivered", flush=True))
{end}
"""


@pytest.mark.parametrize(
    "end",
    [
        "signal.raise_signal(signal.SIGTERM)",
        # The signal comes once more, from a supervisor and from a parent process, say.
        """
try: signal.raise_signal(signal.SIGTERM)
finally: signal.raise_signal(signal.SIGTERM)
""",
    ],
    ids=["once", "twice"],
)
def test_a_process_that_gets_the_signal(end):
    """It delivers what it has accepted."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT.format(end=end)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (143, "delivered\n", "")


def test_while_messages_are_delivered_the_signal_does_nothing():
    """Also if it came first when the server was ending for another reason."""
    end = """
lifecycle.current().close(0)
signal.raise_signal(signal.SIGTERM)
sys.exit(7)  # it is still here
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT.format(end=end)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 7, done.stderr
