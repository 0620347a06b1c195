"""The context of the request, such as its tenant, in every thread in which a job continues."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

Enter = Callable[[], AbstractContextManager[object]]

_enter: ContextVar[Enter | None] = ContextVar("swap_user.enter", default=None)


@contextmanager
def entered(enter: Enter) -> Iterator[None]:
    """
    Enter the context of a job, here and in the functions that ``bind()`` returns in it.

    Args:
        enter: returns a context manager, which is entered once in each thread.
    """
    token = _enter.set(enter)
    try:
        with enter():
            yield
    finally:
        _enter.reset(token)


def bind(function: Callable[P, T]) -> Callable[P, T]:
    """Return a function that calls ``function`` in the current job's context, in any thread."""
    enter = _enter.get()
    if enter is None:
        return function

    def bound(*args: P.args, **kwargs: P.kwargs) -> T:
        with entered(enter):
            return function(*args, **kwargs)

    return bound
