"""The task for Django's task framework. Importing this module requires that framework."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from swap_user.otp.background import queued, registry
from swap_user.otp.background.registry import Job

# Priority of urgent jobs. It is above 0, the default, so that workers run them before other jobs.
# It is far below 100, the maximum, so that a project can have more urgent tasks of its own.
URGENT = 10


def _framework() -> Any:
    """Import and return ``django.tasks`` (Django 6.0 and later), else ``django_tasks``."""
    for name in ("django.tasks", "django_tasks"):
        try:
            return import_module(name)
        except ImportError:
            continue
    raise ImproperlyConfigured(
        "TaskDispatcher needs Django 6.0 or later, or the package django-tasks."
    )


def has_queue() -> bool:
    """
    Return whether the backend "default" is not ImmediateBackend.

    ImmediateBackend, which is Django's default, runs a task in the request. The visitor would wait
    for the delivery, and the time would reveal whether the account exists (R33).
    """
    immediate = import_module(f"{_framework().__name__}.backends.immediate").ImmediateBackend
    return not isinstance(run_job.get_backend(), immediate)


def task_for(job: Job, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Return ``run_job`` with the priority of a job, if the backend "default" has priorities."""
    if registry.is_urgent(job, args, kwargs) and run_job.get_backend().supports_priority:
        return run_job.using(priority=URGENT)
    return run_job


@_framework().task()  # type: ignore[untyped-decorator]
def run_job(name: str, args: list[Any], kwargs: dict[str, Any]) -> None:
    """
    Run a job. A worker of the task queue imports this task by its dotted path.

    Args:
        name: the name of the job; see ``registry.named()``.
        args: JSON values.
        kwargs: JSON values.

    Raises:
        LookupError: there is no such job.
        Exception: an exception of the job, so that the framework marks the task as failed.
    """
    queued.run_job(name, args, kwargs)
