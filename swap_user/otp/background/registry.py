"""The jobs that a dispatcher may run, and their names in a task queue."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.utils.module_loading import import_string

from swap_user.otp.store import keys

Job = Callable[..., None]

_CODE = "swap_user.otp.delivery.send_code_job.deliver_code"
_NOTICE = "swap_user.otp.delivery.notices.notify"
_PREVIOUS = "swap_user.otp.delivery.notices.notify_previous"
_CONFIRMATION = "swap_user.otp.accounts.confirmation_job.deliver_confirmation"
_WRONG_GUESS = "swap_user.otp.delivery.events.after_wrong_guess"

# The dotted path of each job by its name. The arguments of a job are JSON values that contain
# neither a code nor a secret, because queues store them. New jobs get the first of their names.
JOBS = {
    "send_code": _CODE,
    "send_confirmation": _CONFIRMATION,
    "notify": _NOTICE,
    "after_wrong_guess": _WRONG_GUESS,
    "notify_guesses_exhausted": _WRONG_GUESS,
    "notify_previous": _PREVIOUS,
    "run_in_context": "swap_user.otp.dispatchers.run_in_context",
    # Names of version 1.0.0a1, for jobs that are still in a queue.
    "swap_user.otp.delivery_job.deliver": _CODE,
    "swap_user.otp.notices.tell": _NOTICE,
    "swap_user.otp.notices.tell_exhausted": _WRONG_GUESS,
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


@dataclass(frozen=True)
class Subject:
    """
    What a job is about, for the log.

    Attributes:
        job: the name of the job.
        account: the account key, or None. The account may not exist.
        user: the primary key of the user, if the job is about a user.
    """

    job: str
    account: str | None = None
    user: str | None = None


def is_urgent(job: Job, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """
    Return whether a job must not wait for others: whether a known browser has requested a code.

    Strangers can start any number of other jobs. They must not delay the message to an owner.
    """
    name, _, kwargs = _unwrapped(job, args, kwargs)
    return JOBS.get(name) == _CODE and bool(kwargs.get("browser"))


def subject_of(job: Job, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Subject:
    """Return what a job with these arguments is about."""
    name, args, kwargs = _unwrapped(job, args, kwargs)
    if name not in JOBS:
        return Subject(name)
    if JOBS[name] in (_NOTICE, _PREVIOUS):
        return Subject(name, user=str(args[0] if args else kwargs.get("user_pk")))
    username = str(args[0] if args else kwargs.get("name"))
    return Subject(name, account=keys.account_key(username))


def _unwrapped(
    job: Job, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[str, Sequence[Any], Mapping[str, Any]]:
    """Return the name and the arguments of a job, or of the job that run_in_context runs."""
    name = name_of(job)
    if name == "run_in_context" and len(args) == 4:
        _, name, args, kwargs = args
    return name, args, kwargs
