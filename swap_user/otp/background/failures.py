"""Failures of jobs and messages: in the log, and as the signal ``delivery_failed``."""

import logging

from django.contrib.auth.base_user import AbstractBaseUser
from django.views.decorators.debug import sensitive_variables

from swap_user import signals
from swap_user.otp import audit
from swap_user.otp.background.registry import Job, name_of
from swap_user.otp.senders import AbstractOTPSender, sender_class


@sensitive_variables("masked")
def describe(error: BaseException, *, masked: str = "") -> str:
    """
    Return the text of an exception and where it was raised, but no traceback.

    Args:
        error: the exception. The frames of its traceback may hold a code.
        masked: a code to mask in the text.
    """
    try:
        text = audit.describe(error)
    except Exception:  # noqa: BLE001 - the class is the project's
        text = type(error).__name__
    return text.replace(masked, "*" * len(masked)) if masked else text


def job_failed(job: Job, error: BaseException) -> None:
    """Report that a job raised an exception before it called its sender."""
    text = describe(error)
    audit.record(logging.ERROR, "job failed", job=name_of(job), error=text)
    delivery_failed(None, text)


def job_dropped(job: Job, reason: str) -> None:
    """Report that a job will not run."""
    audit.record(logging.ERROR, "job dropped", job=name_of(job), reason=reason)
    delivery_failed(None, reason)


def delivery_failed(user: AbstractBaseUser | None, error: str) -> None:
    """
    Send the signal; Django logs receivers that raise.

    Args:
        user: the receiver of the message; None if the job failed before it looked for one.
        error: the reason, without a code.
    """
    sender: type
    try:
        sender = sender_class()
    except Exception:  # noqa: BLE001 - this may be what has failed
        sender = AbstractOTPSender
    signals.delivery_failed.send_robust(sender, user=user, error=error)
