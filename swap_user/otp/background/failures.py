"""Report failures of jobs and messages: log them, and send the signal ``delivery_failed``."""

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.views.decorators.debug import sensitive_variables

from swap_user import signals
from swap_user.otp import audit
from swap_user.otp.background.deferred import later
from swap_user.otp.background.registry import Job, subject_of
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


def job_failed(
    job: Job, args: Sequence[Any], kwargs: Mapping[str, Any], error: BaseException
) -> None:
    """Report that a job raised an exception. Exceptions of the sender are reported elsewhere."""
    about, text = subject_of(job, args, kwargs), describe(error)
    if about.user:
        audit.record(logging.ERROR, "job failed", job=about.job, user=about.user, error=text)
    else:
        audit.record(logging.ERROR, "job failed", job=about.job, account=about.account, error=text)
    delivery_failed(None, text, account=about.account)


def job_dropped(job: Job, args: Sequence[Any], kwargs: Mapping[str, Any], reason: str) -> None:
    """Report that a job will not run."""
    about = subject_of(job, args, kwargs)
    if about.user:
        audit.record(logging.ERROR, "job dropped", job=about.job, user=about.user, reason=reason)
    else:
        audit.record(
            logging.ERROR, "job dropped", job=about.job, account=about.account, reason=reason
        )
    delivery_failed(None, reason, account=about.account)


def delivery_failed(
    user: AbstractBaseUser | None, error: str, *, account: str | None = None
) -> None:
    """
    Send the signal ``delivery_failed``. Django logs exceptions of its receivers.

    Args:
        user: the receiver of the message, or None if the job failed before it looked up the user.
        error: the reason, without a code.
        account: the account key, if the user was not looked up.
    """
    sender: type
    try:
        sender = sender_class()
    except Exception:  # noqa: BLE001 - the sender class may be the cause of the failure
        sender = AbstractOTPSender
    send = signals.delivery_failed.send_robust
    signal = partial(send, sender, user=user, error=error, account=account)
    if (waiting := later.get()) is not None:
        waiting.append(signal)
    else:
        signal()
