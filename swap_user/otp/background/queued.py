"""What a worker of a queue does with a job."""

from collections.abc import Mapping, Sequence
from typing import Any

from swap_user.otp.background import failures, registry


def run_job(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """
    Run a job that a ``QueueDispatcher`` has enqueued. Call it in a worker of the queue.

    Args:
        name: what ``QueueDispatcher.enqueue()`` got.
        args: what it got.
        kwargs: what it got.

    Raises:
        LookupError: there is no such job. Other programs may be able to write to the queue.
        Exception: an exception of the job, which is also logged and signalled, so that the queue
            marks the job as failed. Let the queue not run it again: the job has tried to send the
            message several times.
    """
    job = registry.named(name)
    try:
        job(*args, **kwargs)
    except Exception as error:
        failures.job_failed(job, args, kwargs, error)
        raise
