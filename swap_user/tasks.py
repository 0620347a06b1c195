"""
Where ``autodiscover_tasks()`` of Celery looks for the task of ``CeleryDispatcher``.

Other queues import modules of this name too, so it can be imported without Celery.
"""

from importlib.util import find_spec

if find_spec("celery"):
    from swap_user.otp.background import celery_task

    run_job = celery_task.run_job
