"""Deliver accepted messages when a WSGI server ends: ``application = drained(application)``."""

import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

from swap_user.otp.background import thread_pool

Application = TypeVar("Application", bound=Callable[..., Any])


def drained(application: Application, *, seconds: float = thread_pool.EXIT_LIMIT) -> Application:
    """
    Let SIGTERM end the process as Ctrl-C does, so that accepted messages are delivered.

    Some servers, such as waitress and ``runserver --noreload``, do not handle SIGTERM. The signal
    then ends the process at once, and Python calls no exit handlers. With this function it raises
    SystemExit in the main thread. A second SIGTERM ends the process at once.

    Nothing changes for a server that handles SIGTERM, and if this function is not called in the
    main thread, because Python allows signal handlers only there.

    Args:
        application: the WSGI application of the project. It is returned unchanged.
        seconds: how long to wait for messages. Those that are not sent by then are logged and
            signalled.
    """
    thread_pool.EXIT_LIMIT = seconds
    in_main_thread = threading.current_thread() is threading.main_thread()
    if in_main_thread and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _exit)
    return application


def _exit(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
    sys.exit(128 + number)  # the exit status that a shell reports for this signal
