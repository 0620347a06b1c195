"""The task for Celery. Importing this module requires that package."""

from typing import Any

from celery import shared_task

from swap_user.otp.background import queued


# The name is stable, because jobs wait in queues during an upgrade.
@shared_task(name="swap_user.tasks.run_job", ignore_result=True)  # type: ignore[untyped-decorator]
def run_job(name: str, args: list[Any], kwargs: dict[str, Any]) -> None:
    """
    Run a job in a worker of Celery.

    Args:
        name: the name of the job; see ``registry.named()``.
        args: JSON values.
        kwargs: JSON values.

    Raises:
        LookupError: there is no such job.
        Exception: an exception of the job, so that Celery marks the task as failed.
    """
    queued.run_job(name, args, kwargs)
