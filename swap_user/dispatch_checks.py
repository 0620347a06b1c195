"""System check of the dispatcher."""

import inspect
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.utils.module_loading import import_string

from swap_user.check_support import Messages, load
from swap_user.conf import NAMESPACE
from swap_user.otp.dispatch import AbstractDispatcher, TaskDispatcher


def check_dispatcher(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """E014: no such dispatcher, or no task queue for it. E015: not a dispatcher."""
    dispatcher, messages = load(
        "OTP_DISPATCHER",
        AbstractDispatcher,
        example="swap_user.otp.dispatch.ThreadDispatcher",
        not_found="swap_user.E014",
        not_fit="swap_user.E015",
    )
    if dispatcher is None:
        return messages
    where = f"{NAMESPACE}['OTP_DISPATCHER']"
    if inspect.isabstract(dispatcher):
        message = f"{where} is {dispatcher.__qualname__}, which is still abstract."
        hint = "Define dispatch(self, job, args, kwargs)."
        return [checks.Error(message, hint=hint, id="swap_user.E015")]
    return _check_tasks(where) if issubclass(dispatcher, TaskDispatcher) else []


def _check_tasks(where: str) -> Messages:
    try:
        import_string("swap_user.otp.tasks.run_job")
    except Exception as error:  # noqa: BLE001 - the backend is the project's
        return [
            checks.Error(
                f"{where} has no task queue: {error}",
                hint='Use Django 6.0 or later, or install django-tasks; define TASKS["default"].',
                id="swap_user.E014",
            )
        ]
    return []
