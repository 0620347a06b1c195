"""The thread pool of this process: it is created at the first job, and drained at the end."""

import atexit
import logging
import multiprocessing.util
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from swap_user.otp import audit
from swap_user.otp.background.deferred import signals_last
from swap_user.otp.background.thread_pool import ThreadPool
from swap_user.otp.connections import release_connections

# How long the process waits for its jobs at exit, in seconds. Docker kills a container ten seconds
# after it asks it to stop. The rest is for the requests before, and for the reports after it.
EXIT_LIMIT = 8.0

_pool: ThreadPool | None = None
_lock = threading.Lock()  # held while the pool is created


def current() -> ThreadPool:
    """
    Return the pool of this process.

    It is created when it is first used: gevent may replace the locks after this module was
    imported, and a lock of the operating system would block all greenlets.
    """
    global _pool
    with _lock:
        if _pool is None:
            _pool = ThreadPool()
            _end_with_multiprocessing()
        return _pool


def _end_with_multiprocessing() -> None:
    """Drain the pool of a child of ``multiprocessing``, which does not call exit handlers."""
    if multiprocessing.parent_process() is not None:
        multiprocessing.util.Finalize(None, end, exitpriority=0)


def is_ending() -> bool:
    """Return whether the pool is being drained because the process ends, or has been drained."""
    return _pool is not None and _pool.is_closed


def end() -> None:
    """Drain the pool for ``EXIT_LIMIT`` seconds. Report each message that was not sent by then."""
    if _pool is None:
        return
    with _undisturbed():
        reports = _pool.close(EXIT_LIMIT)
        with signals_last():
            for report in reports:
                with suppress(Exception):
                    report()
            if reports:
                audit.record(logging.ERROR, "jobs lost at exit", count=len(reports))
        release_connections()  # receivers of the signals may have opened some


@contextmanager
def _undisturbed() -> Iterator[None]:
    """
    Ignore signals that ask the process to end, if this is the main thread.

    gunicorn sends one more to a worker that ends already. Its handler raises SystemExit, which
    would end the drain.
    """
    handlers = {}
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGINT", "SIGTERM", "SIGQUIT"):
            if hasattr(signal, name):  # SIGQUIT does not exist on Windows
                number = signal.Signals[name]
                handlers[number] = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            if handler is not None:  # None: not set from Python
                signal.signal(number, handler)


def _replace_pool() -> None:
    """Forget the pool in a forked child: threads, jobs and locks belong to the parent process."""
    global _pool, _lock
    _pool, _lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_replace_pool)
atexit.register(end)
