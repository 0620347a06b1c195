"""The one task that Django's task framework is given; imported only where there is one."""

from importlib import import_module
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from swap_user.otp.background import failures, registry


def _framework() -> Any:
    """Return Django's own framework (6.0 and later), else the django-tasks backport."""
    for name in ("django.tasks", "django_tasks"):
        try:
            return import_module(name)
        except ImportError:
            continue
    raise ImproperlyConfigured(
        "TaskDispatcher needs Django 6.0 or later, or the package django-tasks."
    )


# A worker finds the task by the name of this function.
@_framework().task()  # type: ignore[untyped-decorator]
def run_job(name: str, args: list[Any], kwargs: dict[str, Any]) -> None:
    """
    Run a job of ours.

    Args:
        name: the job's, see ``jobs.named``.
        args: plain values.
        kwargs: likewise.

    Raises:
        LookupError: there is no such job.
        Exception: what the job raised, so that the framework counts it as failed.
    """
    job = registry.named(name)
    try:
        job(*args, **kwargs)
    except Exception as error:
        failures.job_failed(job, error)
        raise
