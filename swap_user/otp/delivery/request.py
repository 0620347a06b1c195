"""The part of sending a code that the request does. It is the same for every username."""

import time
from dataclasses import asdict

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from django.utils import translation

from swap_user.conf import swap_user_settings
from swap_user.otp.availability import report_database_outage
from swap_user.otp.challenges import challenge
from swap_user.otp.crypto import hotp
from swap_user.otp.delivery.send_code_job import CodeJob, deliver_code
from swap_user.otp.dispatchers import dispatch
from swap_user.otp.senders import offered_channels
from swap_user.otp.site_name import host_name
from swap_user.otp.store import keys
from swap_user.otp.throttling import requests as throttling
from swap_user.otp.visitors import code_request
from swap_user.otp.visitors.visitor import visitor
from swap_user.signals import code_requested
from swap_user.users import lookup, usernames


def send_code(request: HttpRequest | None, username: object, *, channel: str = "") -> None:
    """
    Send a one-time code to the user with this username, if there is such a user who may log in.

    The caller can't see whether there is one. The code works only in the session of ``request``.
    Without a session it works in any session (R23, R24). A second message has the same code while
    more than half of its life is left (R55). The code has ten digits if short codes are not
    accepted from this visitor, because a limit on guesses is reached. If a limit on messages is
    reached, nothing is sent. The caller can't see that either (R21).

    The session remembers the request, so that a view of a project can redirect to the page
    ``swap_user:check-otp``.

    Args:
        request: the visitor's request, or None if there is no request (as in an API).
        username: the username as typed.
        channel: the name of the channel to try first, if the sender has several. Other names are
            ignored, because they may come from a form.

    Raises:
        LoginUnavailable: Redis or the database can't be reached.
    """
    who = visitor(request, begin=True)
    with report_database_outage():
        name = lookup.identify(username)
    account_key = keys.account_key(name)
    now, origin = time.time(), who.origin
    charged = throttling.charge(account_key, who)
    code_requested.send_robust(None, account=account_key)
    _note_in_session(request, username, now)
    if charged is None:
        return
    job = CodeJob(
        name=name,
        flow=who.flow,
        counter=challenge.earliest(now),
        digits=hotp.MAX_DIGITS if charged.is_long else swap_user_settings.OTP_DIGITS,
        expires_at=now + swap_user_settings.OTP_TIMEOUT,
        host=host_name(request),
        language=translation.get_language(),
        browser=who.known_browser(account_key) if charged.is_known else "",
        network=origin.network,
        neighbourhood=origin.neighbourhood,
        channel=channel if any(channel == each.name for each in offered_channels()) else "",
    )
    dispatch(deliver_code, **asdict(job))


def _note_in_session(request: HttpRequest | None, username: object, now: float) -> None:
    session = getattr(request, "session", None)
    if session is not None and (canonical := usernames.normalize(username)):
        code_request.save(session, canonical, now=now)


async def asend_code(request: HttpRequest | None, username: object, *, channel: str = "") -> None:
    """See send_code()."""
    await sync_to_async(send_code)(request, username, channel=channel)
