"""Jobs: the functions that a dispatcher may run, here or in another process."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.utils.module_loading import import_string

F = TypeVar("F", bound=Callable[..., None])

_HOME = "swap_user.otp."
_known: dict[str, Callable[..., None]] = {}


def job(function: F) -> F:
    """
    Mark a function of a module of ``swap_user.otp`` as a job.

    It is defined on the module's own level, and takes plain JSON values that hold neither a code
    nor a secret: they may lie in a queue.
    """
    _known[name_of(function)] = function
    return function


def name_of(function: Callable[..., Any]) -> str:
    """Return the name by which a queue knows a job: its dotted path."""
    return f"{function.__module__}.{function.__qualname__}"


def named(name: str) -> Callable[..., None]:
    """
    Return the job of this name.

    Args:
        name: as a queue gives it, which others may write to: nothing but a job is ever returned.

    Raises:
        LookupError: there is no such job.
    """
    if name.startswith(_HOME) and name not in _known:
        try:
            import_string(name)  # marks it as a job, if it is one
        except ImportError as error:
            raise LookupError(f"{name} is not a job of swap_user.") from error
    if name not in _known:
        raise LookupError(f"{name} is not a job of swap_user.")
    return _known[name]
