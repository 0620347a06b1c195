"""Where a delivery runs: for now within the request, after what the visitor sees is decided."""

from collections.abc import Callable
from typing import ParamSpec

P = ParamSpec("P")


def dispatch(job: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """
    Run ``job``.

    Args:
        job: a function that catches and logs what goes wrong within it.
        args: plain values that hold neither code nor secret, so that a queue may carry them.
        kwargs: likewise.
    """
    job(*args, **kwargs)
