"""Signals that wait until all lines of the log are written."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

later: ContextVar[list[Callable[[], object]] | None] = ContextVar("swap_user.later", default=None)
"""Functions that send a signal when ``signals_last()`` ends, or None outside of it."""


@contextmanager
def signals_last() -> Iterator[list[Callable[[], object]]]:
    """
    Send the signals of failures at the end of the ``with`` block.

    A receiver may be slow. If the process is killed meanwhile, the log is complete.
    """
    functions: list[Callable[[], object]] = []
    token = later.set(functions)
    try:
        yield functions
    finally:
        later.reset(token)
        for function in functions:
            function()
