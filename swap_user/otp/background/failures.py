"""What goes wrong on the way to a person: as text, in the log and as a signal."""

import logging
from collections.abc import Callable
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.views.decorators.debug import sensitive_variables

from swap_user import signals
from swap_user.otp import audit
from swap_user.otp.background import registry
from swap_user.otp.senders import AbstractOTPSender, sender_class


@sensitive_variables("masked")
def describe(error: BaseException, *, masked: str = "") -> str:
    """
    Return what an exception says and where it was raised, without its traceback.

    Args:
        error: the exception. The frames of its traceback may hold a code.
        masked: a code to mask in what it says.
    """
    try:
        text = audit.describe(error)
    except Exception:  # noqa: BLE001 - the class is the project's
        text = type(error).__name__
    return text.replace(masked, "*" * len(masked)) if masked else text


def job_failed(job: Callable[..., Any], error: BaseException) -> None:
    """Log and signal that a job ended with an exception, before it came to its sender."""
    text = describe(error)
    audit.record(logging.ERROR, "job failed", job=registry.name_of(job), error=text)
    delivery_failed(None, text)


def job_dropped(job: Callable[..., Any], reason: str) -> None:
    """Log and signal that a job will not run."""
    audit.record(logging.ERROR, "job dropped", job=registry.name_of(job), reason=reason)
    delivery_failed(None, reason)


def delivery_failed(user: AbstractBaseUser | None, error: str) -> None:
    """
    Send the signal; receivers that raise are logged by Django.

    Args:
        user: whose message it was, None where that was not known yet.
        error: what went wrong, without a code.
    """
    sender: type
    try:
        sender = sender_class()
    except Exception:  # noqa: BLE001 - this may be the very thing that went wrong
        sender = AbstractOTPSender
    signals.delivery_failed.send_robust(sender, user=user, error=error)
