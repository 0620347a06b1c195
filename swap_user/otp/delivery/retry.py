"""Send a message: within a time limit, and again if the sender fails."""

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
from swap_user.otp.background.inline import inline
from swap_user.otp.senders import AbstractOTPSender, load_sender

# Seconds between the first two attempts, and the factor by which each further pause is longer.
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
        language: of the message; None for no translation.
        expires_at: Unix time in seconds after which there is no further attempt.
        code: the code in the message, which is masked in errors.
    """

    user: AbstractBaseUser
    send: Callable[[AbstractOTPSender], object] = field(repr=False)  # may hold the code
    report: Callable[[str], object]
    language: str | None
    expires_at: float
    code: str = field(default="", repr=False)


def send_message(message: Message) -> None:
    """
    Send ``message``, wait until it is sent or has failed, and report which.

    An attempt that exceeds its time limit is the last one: its message may still arrive.
    """
    thread_pool.current().run(partial(_send, message))


def _send(message: Message) -> None:
    pool, settings, pk = thread_pool.current(), swap_user_settings, message.user.pk
    attempts = 1 if inline.get() else settings.OTP_SEND_ATTEMPTS
    limit, expired = settings.OTP_SEND_TIME_LIMIT, partial(_report_failure, message)
    pause = PAUSE
    for number in range(1, attempts + 1):
        try:
            with (
                pool.limited(limit, receiver=str(pk), expired=expired),
                translation.override(message.language),
            ):
                message.send(load_sender())
            break
        except Exception as error:  # noqa: BLE001 - the sender is the project's
            # A pause would keep waiting messages from this thread.
            is_last = (
                number == attempts or pool.is_busy or time.time() + pause >= message.expires_at
            )
            if is_last or isinstance(error, thread_pool.TooManyHanging):
                _report_failure(message, error)
                return
            text = failures.describe(error, masked=message.code)
            audit.record(logging.WARNING, "sending failed", user=pk, attempt=number, error=text)
        time.sleep(pause)
        pause *= GROWTH
    message.report("")


def _report_failure(message: Message, error: Exception) -> None:
    text = failures.describe(error, masked=message.code)
    message.report(text)
    failures.delivery_failed(message.user, text)
