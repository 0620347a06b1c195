"""A code that is asked for: what the request does, which is the same for every name."""

import time

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from django.utils import translation

from swap_user import identity
from swap_user.conf import swap_user_settings
from swap_user.otp import challenge, flow, store
from swap_user.otp.delivery_job import deliver
from swap_user.otp.dispatch import dispatch
from swap_user.otp.site import host_name


def send_code(request: HttpRequest | None, username: object) -> None:
    """
    Send a one-time code to ``username``, if there is an account of that name that may log in.

    Nothing that the caller sees tells whether there is one. The code counts only in the session
    of ``request``, where it takes the place of an earlier one; without a session it counts in
    any (R23, R24).

    Args:
        request: the visitor's, or None where there is none (an API).
        username: as somebody typed it.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    bound_to = flow.begin(request)
    name = identity.normalize(username)
    now = time.time()
    timeout, digits = swap_user_settings.OTP_TIMEOUT, swap_user_settings.OTP_DIGITS
    # Also for a name that nobody has: what a stranger can measure is the same.
    counter = challenge.issue(
        store.account_key(name), bound_to, now=now, timeout=timeout, digits=digits
    )
    dispatch(
        deliver,
        name,
        bound_to,
        counter=counter,
        digits=digits,
        expires_at=now + timeout,
        host=host_name(request),
        language=translation.get_language(),
    )


async def asend_code(request: HttpRequest | None, username: object) -> None:
    """See send_code()."""
    await sync_to_async(send_code)(request, username)
