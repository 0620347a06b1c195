"""The task for Django's task framework. Import this module only where there is one."""

from importlib import import_module
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from swap_user.otp.background import failures, registry


def _framework() -> Any:
    """Return Django's own framework (6.0 and later), else the package django-tasks."""
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
    Return whether the backend "default" runs tasks elsewhere.

    ImmediateBackend, the default of Django, runs them in the request. The visitor would wait, and
    the time would show whether the account exists (R33).
    """
    immediate = import_module(f"{_framework().__name__}.backends.immediate").ImmediateBackend
    return not isinstance(run_job.get_backend(), immediate)


@_framework().task()  # type: ignore[untyped-decorator]
def run_job(name: str, args: list[Any], kwargs: dict[str, Any]) -> None:
    """
    Run a job in a worker, which finds this task by its dotted path.

    Args:
        name: the name of the job; see ``registry.named()``.
        args: JSON values.
        kwargs: JSON values.

    Raises:
        LookupError: there is no such job.
        Exception: whatever the job raised, so that the framework counts it as failed.
    """
    job = registry.named(name)
    try:
        job(*args, **kwargs)
    except Exception as error:
        failures.job_failed(job, error)
        raise
