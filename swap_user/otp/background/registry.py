"""The jobs that a dispatcher may run, and their names in a task queue."""

from collections.abc import Callable
from typing import cast

from django.utils.module_loading import import_string

Job = Callable[..., None]

_CODE = "swap_user.otp.delivery.send_code_job.deliver_code"
_NOTICE = "swap_user.otp.delivery.notices.notify"
_PREVIOUS = "swap_user.otp.delivery.notices.notify_previous"
_EXHAUSTED = "swap_user.otp.delivery.notices.notify_guesses_exhausted"

# The dotted path of each job by its name. The arguments of a job are JSON values that contain
# neither a code nor a secret, because queues store them. New jobs get the first of their names.
JOBS = {
    "send_code": _CODE,
    "notify": _NOTICE,
    "notify_guesses_exhausted": _EXHAUSTED,
    "notify_previous": _PREVIOUS,
    # Names of version 1.0.0a1, for jobs that are still in a queue.
    "swap_user.otp.delivery_job.deliver": _CODE,
    "swap_user.otp.notices.tell": _NOTICE,
    "swap_user.otp.notices.tell_exhausted": _EXHAUSTED,
}


def name_of(job: Job) -> str:
    """Return the name of a job. For any other function, return its path, which is not in JOBS."""
    path = f"{job.__module__}.{job.__qualname__}"
    return next((name for name, known in JOBS.items() if known == path), path)


def named(name: str) -> Job:
    """
    Return the job with this name.

    Only names in JOBS are accepted, because other programs may be able to write to the queue.

    Raises:
        LookupError: there is no such job.
    """
    if name not in JOBS:
        raise LookupError(f"{name} is not a job of swap_user.")
    return cast("Job", import_string(JOBS[name]))
