"""Send a message with a time limit, and retry if the sender raises an exception."""

import itertools
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils import translation

from swap_user.conf import swap_user_settings
from swap_user.otp import audit
from swap_user.otp.background import failures, thread_pool
from swap_user.otp.background.calls import TooManyHanging
from swap_user.otp.background.inline import inline
from swap_user.otp.senders import AbstractOTPSender, load_sender

# Pause between the first two attempts, in seconds, and the factor by which each further pause is
# longer than the one before.
PAUSE = 1.0
GROWTH = 3.0


@dataclass(frozen=True, kw_only=True)
class Message:
    """
    A message to a user.

    Attributes:
        user: the receiver.
        send: makes one attempt. It calls ``release_connections()`` before the sender's method.
        report: called once, with the error of the last attempt, or "" if the message was sent.
        language: language of the message, or None for no translation.
        expires_at: no further attempt is made after this time (Unix time in seconds).
        code: the code in the message, or "". It is masked in the texts of errors.
    """

    user: AbstractBaseUser
    send: Callable[[AbstractOTPSender], object] = field(repr=False)  # may contain the code
    report: Callable[[str], object]
    language: str | None
    expires_at: float
    code: str = field(default="", repr=False)


def send_message(message: Message) -> None:
    """
    Send ``message``, wait until it is sent or has failed, and report the result.

    There is no further attempt after one that exceeds its time limit, because its message may still
    arrive.
    """
    thread_pool.current().run(partial(_send, message))


def _send(message: Message) -> None:
    attempts = 1 if inline.get() else swap_user_settings.OTP_SEND_ATTEMPTS
    for number in itertools.count(1):
        error = _attempt(message)
        if error is None:
            message.report("")
            return
        pause = PAUSE * GROWTH ** (number - 1)
        if (
            isinstance(error, TooManyHanging)
            or number >= attempts
            or thread_pool.current().is_busy  # a pause would delay other messages
            or time.time() + pause >= message.expires_at
        ):
            _report_failure(message, error)
            return
        text, pk = failures.describe(error, masked=message.code), message.user.pk
        audit.record(logging.WARNING, "sending failed", user=pk, attempt=number, error=text)
        time.sleep(pause)


def _attempt(message: Message) -> Exception | None:
    """Return the exception of an attempt, or None. After its time limit, Abandoned is raised."""
    seconds, receiver = swap_user_settings.OTP_SEND_TIME_LIMIT, str(message.user.pk)
    expired = partial(_report_failure, message)
    try:
        with (
            thread_pool.current().limited(seconds, receiver=receiver, expired=expired),
            translation.override(message.language),
        ):
            message.send(load_sender())
    except Exception as error:  # noqa: BLE001 - the sender is the project's
        return error
    return None


def _report_failure(message: Message, error: Exception) -> None:
    text = failures.describe(error, masked=message.code)
    message.report(text)
    failures.delivery_failed(message.user, text)
