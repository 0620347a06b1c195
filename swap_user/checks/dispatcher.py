"""System check of the dispatcher."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.utils.module_loading import import_string

from swap_user.checks.helpers import Messages, load
from swap_user.conf import NAMESPACE
from swap_user.otp.dispatchers import AbstractDispatcher, TaskDispatcher


def check_dispatcher(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """E014: no such dispatcher, or no task queue for it. E015: not a dispatcher."""
    dispatcher, messages = load(
        "OTP_DISPATCHER",
        AbstractDispatcher,
        example="swap_user.otp.dispatchers.ThreadDispatcher",
        not_found="swap_user.E014",
        not_fit="swap_user.E015",
    )
    if dispatcher is None:
        return messages
    return _check_tasks() if issubclass(dispatcher, TaskDispatcher) else []


def _check_tasks() -> Messages:
    try:
        import_string("swap_user.otp.background.django_tasks.run_job")
    except Exception as error:  # noqa: BLE001 - the backend is the project's
        return [
            checks.Error(
                f"{NAMESPACE}['OTP_DISPATCHER'] has no task queue: {error}",
                hint='Use Django 6.0 or later, or install django-tasks; define TASKS["default"].',
                id="swap_user.E014",
            )
        ]
    return []
