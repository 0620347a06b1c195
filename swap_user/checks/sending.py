"""System checks of the dispatcher, and of what a sender says about itself."""

from collections.abc import Callable, Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.utils.module_loading import import_string

from swap_user.checks.helpers import Messages, load
from swap_user.conf import NAMESPACE
from swap_user.otp.dispatchers import AbstractDispatcher, CeleryDispatcher, TaskDispatcher
from swap_user.otp.senders import sender_class

# The dispatchers that need another package, with a function that imports their task, and a hint.
_QUEUES: tuple[tuple[type[AbstractDispatcher], Callable[[], object], str], ...] = (
    (
        TaskDispatcher,
        lambda: import_string("swap_user.otp.background.django_tasks.run_job"),
        'Use Django 6.0 or later, or install django-tasks; define TASKS["default"].',
    ),
    (
        CeleryDispatcher,
        lambda: import_string("swap_user.otp.background.celery_task.run_job"),
        "Install celery.",
    ),
)


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
    for queued, load_task, hint in _QUEUES:
        if issubclass(dispatcher, queued):
            return _check_task(load_task, hint)
    return []


def _check_task(load_task: Callable[[], object], hint: str) -> Messages:
    try:
        load_task()
    except Exception as error:  # noqa: BLE001 - the backend is the project's
        text = f"{NAMESPACE}['OTP_DISPATCHER'] has no task queue: {error}"
        return [checks.Error(text, hint=hint, id="swap_user.E014")]
    return []


def check_sender_itself(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """E026: the sender, or a channel of it, is configured in a wrong way."""
    try:
        sender = sender_class()
        problems = [*sender.problems()]
    except Exception:  # noqa: BLE001 - check_sender() and check_settings() report it
        return []
    return [
        checks.Error(f"{sender.__qualname__} {problem}", hint=hint, id="swap_user.E026")
        for problem, hint in problems
    ]
