"""The last step to a person: the sender, called within a time limit, and again if it fails."""

import logging
import time
from collections.abc import Callable

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils import translation
from django.views.decorators.debug import sensitive_variables

from swap_user.conf import swap_user_settings
from swap_user.otp import audit
from swap_user.otp.background import deadline, failures, thread_pool
from swap_user.otp.senders import AbstractOTPSender, load_sender

# The pause before the second attempt, in seconds, and how it grows with each further one.
PAUSE = 1.0
GROWTH = 3.0


@sensitive_variables("masked")
def hand_over(
    call: Callable[[AbstractOTPSender], object],
    *,
    user: AbstractBaseUser,
    until: float,
    language: str | None,
    masked: str = "",
) -> str | None:
    """
    Let a sender carry a message, and try again for as long as that makes sense.

    An attempt that hangs is the last one: its message may still arrive, and nobody should get
    two. Within ``time_limit.unlimited()`` there is one attempt.

    Args:
        call: does it, with the sender that it is given.
        user: who it is for; a failed attempt is logged with it.
        until: Unix time in seconds from which on nobody needs the message.
        language: what the message is written in, None for none.
        masked: a code to mask in what the log says.

    Returns:
        None, or what went wrong at last, without the code.
    """

    def attempt() -> None:
        with translation.override(language):
            call(load_sender())

    attempts = 1 if deadline.is_unlimited() else swap_user_settings.OTP_SEND_ATTEMPTS
    pause = PAUSE
    for number in range(1, attempts + 1):
        try:
            deadline.call(
                attempt, seconds=swap_user_settings.OTP_SEND_TIME_LIMIT, lane=str(user.pk)
            )
        except Exception as error:  # noqa: BLE001 - the sender is the project's
            text = failures.describe(error, masked=masked)
            hangs = isinstance(error, deadline.TimedOut | deadline.TooManyHanging)
            # Whoever sleeps here holds a worker that others wait for.
            final = hangs or number == attempts or thread_pool.current().is_busy
        else:
            return None
        if final or time.time() + pause >= until:
            break
        audit.record(logging.WARNING, "sending failed", user=user.pk, attempt=number, error=text)
        time.sleep(pause)
        pause *= GROWTH
    return text
