"""The jobs that a dispatcher may run, and their names in a task queue."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from django.utils.module_loading import import_string

from swap_user.otp.store import keys

Job = Callable[..., None]

_CODE = "swap_user.otp.delivery.send_code_job.deliver_code"
_NOTICE = "swap_user.otp.delivery.notices.notify"
_EXHAUSTED = "swap_user.otp.delivery.notices.notify_guesses_exhausted"

# The dotted path of each job by its name. The arguments of a job are JSON values that contain
# neither a code nor a secret, because queues store them. New jobs get the first of their names.
JOBS = {
    "send_code": _CODE,
    "notify": _NOTICE,
    "notify_guesses_exhausted": _EXHAUSTED,
    "run_in_context": "swap_user.otp.dispatchers.run_in_context",
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


def subject_of(job: Job, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, str]:
    """
    Return the name of a job and whom it is about, as fields of the log.

    Args:
        job: one of JOBS.
        args: its arguments.
        kwargs: its arguments.

    Returns:
        ``job``, and ``user`` (the primary key) or ``account`` (the account key; the account may not
        exist).
    """
    name = name_of(job)
    if name == "run_in_context" and len(args) == 4:
        _, name, args, kwargs = args
    subject = {"job": name}
    if name not in JOBS:
        return subject
    if JOBS[name] == _NOTICE:
        return subject | {"user": str(args[0] if args else kwargs.get("user_pk"))}
    return subject | {"account": keys.account_key(str(args[0] if args else kwargs.get("name")))}
