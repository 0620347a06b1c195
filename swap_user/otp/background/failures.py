"""Report failures of jobs and messages: log them, and send the signal ``delivery_failed``."""

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
        error: the exception. Its traceback is left out, because the frames may contain a code.
        masked: a code that the text must not contain. Asterisks replace it.
    """
    try:
        text = audit.describe(error)
    except Exception:  # noqa: BLE001 - str() of the project's exception may raise
        text = type(error).__name__
    return text.replace(masked, "*" * len(masked)) if masked else text


def job_failed(job: Job, error: BaseException) -> None:
    """Report that a job raised an exception. Exceptions of the sender are reported elsewhere."""
    text = describe(error)
    audit.record(logging.ERROR, "job failed", job=name_of(job), error=text)
    delivery_failed(None, text)


def job_dropped(job: Job, reason: str) -> None:
    """Report that a job will not run."""
    audit.record(logging.ERROR, "job dropped", job=name_of(job), reason=reason)
    delivery_failed(None, reason)


def delivery_failed(user: AbstractBaseUser | None, error: str) -> None:
    """
    Send the signal ``delivery_failed``. Django logs exceptions of its receivers.

    Args:
        user: the receiver of the message, or None if the job failed before it looked up the user.
        error: the reason, without a code.
    """
    sender: type
    try:
        sender = sender_class()
    except Exception:  # noqa: BLE001 - the sender class may be the cause of the failure
        sender = AbstractOTPSender
    signals.delivery_failed.send_robust(sender, user=user, error=error)
