"""A code that is asked for: what the request does, which is the same for every name."""

import logging
import time
from dataclasses import asdict

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from django.utils import translation

from swap_user.conf import swap_user_settings
from swap_user.otp import audit
from swap_user.otp.delivery.send_code_job import CodeRequest, deliver_code
from swap_user.otp.dispatchers import dispatch
from swap_user.otp.site_name import host_name
from swap_user.otp.store import keys
from swap_user.otp.throttling import sends
from swap_user.otp.visitors.visitor import visitor
from swap_user.users import usernames


def send_code(request: HttpRequest | None, username: object) -> None:
    """
    Send a one-time code to ``username``, if there is an account of that name that may log in.

    Nothing that the caller sees tells whether there is one. The code counts only in the session
    of ``request``, where it takes the place of an earlier one; without a session it counts in
    any (R23, R24). When the budget of strangers for guesses is spent, the code has ten digits; when
    one for messages is, nothing is sent, and nothing tells so (R21).

    Args:
        request: the visitor's, or None where there is none (an API).
        username: as somebody typed it.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    who = visitor(request, begin=True)
    name = usernames.normalize(username)
    account_key = keys.account_key(name)
    now, timeout = time.time(), swap_user_settings.OTP_TIMEOUT
    # Also for a name that nobody has: what a stranger can measure is the same.
    issued = sends.ask(account_key, who, now=now, timeout=timeout)
    if isinstance(issued, str):
        audit.record(logging.WARNING, "send limited", account=account_key, scope=issued)
        return
    code_request = CodeRequest(
        name=name,
        flow=who.flow,
        counter=issued.counter,
        digits=issued.digits,
        expires_at=now + timeout,
        host=host_name(request),
        language=translation.get_language(),
        known=issued.known,
    )
    dispatch(deliver_code, **asdict(code_request))


async def asend_code(request: HttpRequest | None, username: object) -> None:
    """See send_code()."""
    await sync_to_async(send_code)(request, username)
