"""Send a message with a time limit, and retry if the sender raises an exception."""

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils import translation

from swap_user.conf import swap_user_settings
from swap_user.otp import audit
from swap_user.otp.background import failures, lifecycle
from swap_user.otp.background.calls import TooManyHanging
from swap_user.otp.connections import inline, release_connections
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.senders import AbstractOTPSender, load_sender

# Pause between the first two attempts, in seconds, and the factor by which each further pause is
# longer than the one before.
PAUSE = 1.0
GROWTH = 3.0


class Withheld(Exception):
    """An attempt to send found that the message must not be sent, and has logged the reason."""


class NoAddress(Exception):
    """The user has no address for any of the channels."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """
    A message to a user.

    Attributes:
        user: the receiver.
        send: sends the message with a sender. It calls ``release_connections()`` before a method
            that sends. If it raises Withheld, and no other channel is left, nothing is reported,
            and there is no further attempt.
        report: called once, with the error of the last attempt, or "" if the message was sent.
        language: language of the message, or None for no translation.
        expires_at: no further attempt is made after this time (Unix time in seconds).
        code: returns the code in the message, or "". It is masked in the texts of errors.
        key: identifies the receiver of a message to somebody who is not a user yet.
        channel: the name of the channel that the visitor wants, or "".
        reaches: returns something false if the user has no address for a sender. It is called if
            the sender has several channels.
        is_bound: whether only the first channel may be used, because the code confirms its address.
        withheld: called if the message must not be sent.
    """

    user: AbstractBaseUser
    send: Callable[[AbstractOTPSender], object] = field(repr=False)  # may contain the code
    report: Callable[[str], object]
    language: str | None
    expires_at: float
    code: Callable[[], str] = field(default=str, repr=False)
    key: str = ""
    channel: str = ""
    reaches: Callable[[AbstractOTPSender], object] = lambda sender: True
    is_bound: bool = False
    withheld: Callable[[], object] = lambda: None


def send_message(message: Message) -> None:
    """
    Send ``message``, wait until it is sent or has failed, and report the result.

    A thread of the pool does not wait between two attempts: the next one is queued.

    There is no further attempt after one that exceeds its time limit, because its message may still
    arrive.
    """
    lifecycle.current().run(partial(_send, message))


def _send(message: Message, number: int = 1) -> None:
    """Make the attempt with this number, and queue the next one if it fails."""
    error = _attempt(message)
    if error is None:
        message.report("")
    elif isinstance(error, Withheld):
        message.withheld()
    elif not _retry_later(message, number, error):
        _report_failure(message, error)


def _retry_later(message: Message, number: int, error: Exception) -> bool:
    """Queue another attempt, and return whether there is one. The pause takes no thread."""
    attempts = 1 if inline.get() else swap_user_settings.OTP_SEND_ATTEMPTS
    pause = PAUSE * GROWTH ** (number - 1)
    pool = lifecycle.current()
    if (
        isinstance(error, TooManyHanging | NoAddress)
        or number >= attempts
        or pool.is_busy  # another attempt would delay other messages
        or time.time() + pause >= message.expires_at
        or not pool.again(
            pause,
            partial(_send, message, number + 1),
            lost=partial(_report_failure, message, error),
        )
    ):
        return False
    text, pk = failures.describe(error, masked=message.code()), message.user.pk
    audit.record(logging.WARNING, "sending failed", user=pk, attempt=number, error=text)
    return True


def _attempt(message: Message) -> Exception | None:
    """Return the exception of an attempt, or None. After its time limit, Abandoned is raised."""
    seconds, receiver = swap_user_settings.OTP_SEND_TIME_LIMIT, message.key or str(message.user.pk)
    expired = partial(_report_failure, message)
    # A sender may query several databases. If it waited for one while this thread kept another, two
    # jobs could wait for each other, with small pools of connections.
    release_connections()
    try:
        with (
            lifecycle.current().limited(seconds, receiver=receiver, expired=expired),
            translation.override(message.language),
        ):
            _send_by_one_of(load_sender().routes(message.channel), message)
    except Exception as error:  # noqa: BLE001 - the sender is the project's
        return error
    return None


def _send_by_one_of(routes: Sequence[AbstractOTPSender], message: Message) -> None:
    """
    Send the message with the first sender that does not fail.

    Raises:
        NoAddress: the user has no address for any of them.
        Withheld: limits have prevented it, and no sender has failed.
        Exception: the exception of the last sender that has failed.
    """
    if len(routes) == 1 or message.is_bound:
        message.send(routes[0])
        return
    seconds = math.inf if inline.get() else swap_user_settings.OTP_SEND_TIME_LIMIT
    ends, failure = time.monotonic() + seconds, None
    withheld: Exception = NoAddress("The user has no address for any channel.")
    for route in routes:
        try:
            if message.reaches(route):
                message.send(route)
                return
        except LoginUnavailable:
            raise  # every channel needs Redis
        except Withheld as error:
            withheld = error
        except Exception as error:  # noqa: BLE001 - the sender is the project's
            failure = error
            text, pk = failures.describe(error, masked=message.code()), message.user.pk
            name = type(route).__name__
            audit.record(logging.WARNING, "channel failed", user=pk, sender=name, error=text)
        if time.monotonic() >= ends:
            break  # the message has been reported as failed meanwhile
    raise failure or withheld


def _report_failure(message: Message, error: Exception) -> None:
    lifecycle.current().settle()
    text = failures.describe(error, masked=message.code())
    message.report(text)
    failures.delivery_failed(message.user, text)
