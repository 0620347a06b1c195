"""The jobs that a dispatcher may run, and the names that a queue knows them by."""

from collections.abc import Callable
from typing import cast

from django.utils.module_loading import import_string

Job = Callable[..., None]

_CODE = "swap_user.otp.delivery.send_code_job.deliver_code"
_NOTICE = "swap_user.otp.delivery.notices.notify"
_EXHAUSTED = "swap_user.otp.delivery.notices.notify_guesses_exhausted"

# A job takes JSON values that contain neither a code nor a secret: queues store them. The first
# name of a job is the one that is used.
JOBS = {
    "send_code": _CODE,
    "notify": _NOTICE,
    "notify_guesses_exhausted": _EXHAUSTED,
    # Names in queues of 1.0.0a1.
    "swap_user.otp.delivery_job.deliver": _CODE,
    "swap_user.otp.notices.tell": _NOTICE,
    "swap_user.otp.notices.tell_exhausted": _EXHAUSTED,
}


def name_of(job: Job) -> str:
    """Return the name of a job; of another function its dotted path, which no worker accepts."""
    path = f"{job.__module__}.{job.__qualname__}"
    return next((name for name, known in JOBS.items() if known == path), path)


def named(name: str) -> Job:
    """
    Return the job of this name, and never any other function: others may write to the queue.

    Raises:
        LookupError: there is no such job.
    """
    if name not in JOBS:
        raise LookupError(f"{name} is not a job of swap_user.")
    return cast("Job", import_string(JOBS[name]))
