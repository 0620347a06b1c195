"""A time limit on what is not ours: a call of the project's that hangs is left behind (R34)."""

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from django.db import connections

# A thread that hangs can't be ended, only forgotten. Each holds some memory and perhaps a socket.
MOST_ABANDONED = 16

# Of these and of the workers, one receiver whose server is slow gets so many.
MOST_AT_ONCE = 2

_unlimited = ContextVar("swap_user.unlimited", default=False)


class TimedOut(Exception):
    """The call has not returned; it may yet do what it was called for."""


class TooManyHanging(Exception):
    """So many earlier calls have not returned that no further one is begun."""


class ReceiverBusy(Exception):
    """Earlier messages to the same person are still on their way, so this one was not begun."""


class Stopped(Exception):
    """The call wanted to end its thread, or the program (SystemExit)."""


class _Abandoned:
    """How many calls were left behind and have not returned, in this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.count = 0
        self.lanes: Counter[str] = Counter()


_abandoned = _Abandoned()


def _begin_anew() -> None:
    global _abandoned
    _abandoned = _Abandoned()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)


@dataclass
class _Call:
    """One call, in a thread of its own."""

    function: Callable[[], object]
    abandoned: _Abandoned
    lane: str = ""
    left_behind: bool = False
    ended: threading.Event = field(default_factory=threading.Event)
    error: BaseException | None = None

    def run(self) -> None:
        try:
            self.function()
        except BaseException as error:  # noqa: BLE001 - whoever waits raises it
            self.error = error
        try:
            connections.close_all()
        finally:
            with self.abandoned.lock:
                self.ended.set()
                self.abandoned.count -= self.left_behind
                self.abandoned.lanes[self.lane] -= 1
                if not self.abandoned.lanes[self.lane]:
                    del self.abandoned.lanes[self.lane]

    def leave_behind(self) -> bool:
        """Say whether it had to be, since it has not ended in this moment either."""
        with self.abandoned.lock:
            self.left_behind = not self.ended.is_set()
            self.abandoned.count += self.left_behind
        return self.left_behind


def call(function: Callable[[], object], *, seconds: float, lane: str = "") -> None:
    """
    Call ``function`` and wait until it returns, but not for longer than ``seconds``.

    Args:
        function: is called in another thread, whose database connections are closed after it; in
            this one within ``unlimited()``, and while the interpreter ends, when no thread can be
            started any more.
        seconds: the limit.
        lane: who it is for; "" for nobody in particular.

    Raises:
        TimedOut: it was left behind.
        TooManyHanging: it was not called.
        ReceiverBusy: likewise, for now.
        Stopped: it raised what is not an Exception.
        Exception: whatever it raised.
    """
    if _unlimited.get():
        function()
        return
    abandoned = _abandoned
    if abandoned.count >= MOST_ABANDONED:
        raise TooManyHanging(f"{abandoned.count} earlier calls have not returned yet")
    this = _Call(function, abandoned, lane)
    with abandoned.lock:
        if lane and abandoned.lanes[lane] >= MOST_AT_ONCE:
            raise ReceiverBusy(f"{MOST_AT_ONCE} earlier messages to them have not gone out yet")
        abandoned.lanes[lane] += 1
    try:
        threading.Thread(target=this.run, name="swap_user send", daemon=True).start()
    except RuntimeError:
        this.run()
    if not this.ended.wait(seconds) and this.leave_behind():
        raise TimedOut(f"not done after {seconds:g} s")
    if isinstance(this.error, Exception):
        raise this.error
    if this.error is not None:
        raise Stopped(repr(this.error))


@contextmanager
def unlimited() -> Iterator[Any]:
    """Call in the thread that asks, once, however long it takes."""
    token = _unlimited.set(True)
    try:
        yield
    finally:
        _unlimited.reset(token)


def is_unlimited() -> bool:
    """Say whether this runs within ``unlimited()``."""
    return _unlimited.get()
