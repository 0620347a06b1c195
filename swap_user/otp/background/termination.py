"""Signals that end a process before Python calls its exit handlers."""

import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

from swap_user.otp.background import lifecycle


def exit_on_signals() -> None:
    """
    Let signals that would end the process at once raise SystemExit in the main thread.

    So accepted messages are delivered. A signal that somebody handles or ignores is left alone.
    Only the main thread can change this; in another one, nothing is done.
    """
    if threading.current_thread() is threading.main_thread():
        for number in _ending_signals():
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _exit)


def _ending_signals() -> Iterator[signal.Signals]:
    yield signal.SIGTERM
    # gunicorn sends SIGQUIT to its workers after Ctrl-C. UvicornWorker does not handle it.
    if "gunicorn" in sys.modules and hasattr(signal, "SIGQUIT"):
        yield signal.SIGQUIT


def _exit(number: int, frame: FrameType | None) -> None:
    # A parent process may send the signal once more while messages are delivered.
    signal.signal(number, signal.SIG_IGN)
    if not lifecycle.is_ending():
        sys.exit(128 + number)  # the exit status that a shell reports for this signal
