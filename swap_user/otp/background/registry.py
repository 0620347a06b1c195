"""The jobs that a dispatcher may run, and the names that a queue knows them by."""

from collections.abc import Callable
from typing import cast

from django.utils.module_loading import import_string

Job = Callable[..., None]

# A job takes plain JSON values that contain neither a code nor a secret: queues store them.
JOBS = {
    "send_code": "swap_user.otp.delivery.send_code_job.deliver_code",
    "notify": "swap_user.otp.delivery.notices.notify",
    "notify_guesses_exhausted": "swap_user.otp.delivery.notices.notify_guesses_exhausted",
}

# Names that jobs had in queues of 1.0.0a1.
FORMER_NAMES = {
    "swap_user.otp.delivery_job.deliver": "send_code",
    "swap_user.otp.notices.tell": "notify",
    "swap_user.otp.notices.tell_exhausted": "notify_guesses_exhausted",
}

_names = {path: name for name, path in JOBS.items()}


def name_of(job: Job) -> str:
    """Return the name of a job; of another function its dotted path, which no worker accepts."""
    path = f"{job.__module__}.{job.__qualname__}"
    return _names.get(path, path)


def named(name: str) -> Job:
    """
    Return the job of this name, and never any other function: others may write to the queue.

    Raises:
        LookupError: there is no such job.
    """
    path = JOBS.get(FORMER_NAMES.get(name, name))
    if path is None:
        raise LookupError(f"{name} is not a job of swap_user.")
    return cast("Job", import_string(path))
