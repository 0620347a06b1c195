"""Sessions: the age of a login, and the end of a user's sessions."""

import time
from contextlib import suppress
from typing import Any

from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest

from swap_user.conf import swap_user_settings
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.sessions import ending, records
from swap_user.otp.store import keys
from swap_user.otp.verification import outcomes
from swap_user.otp.visitors import known_browsers
from swap_user.signals import new_browser_login
from swap_user.users import usernames

LOGGED_IN_AT = "_swap_user_logged_in_at"


def note_login(sender: object, request: HttpRequest | None, **kwargs: Any) -> None:
    """
    Save the time of the login in the session. This is a receiver of ``user_logged_in``.

    After a login with a code in an unknown browser, the signal ``new_browser_login`` is sent, so
    that the owner is notified.
    """
    session = getattr(request, "session", None)
    if session is not None:
        session[LOGGED_IN_AT] = time.time()
    outcome = outcomes.outcome_of(request)
    if outcome and outcome.user and not outcome.known:
        user = outcome.user
        new_browser_login.send(type(user), user=user, request=request)


def is_fresh(request: HttpRequest) -> bool:
    """Return whether the login of the session is less than OTP_FRESH_LOGIN seconds old (R37)."""
    at = request.session.get(LOGGED_IN_AT)
    if not isinstance(at, int | float):
        return False
    now = time.time()
    # Not ``now - at``, which would raise OverflowError if ``at`` is a huge integer.
    return now - swap_user_settings.OTP_FRESH_LOGIN < at <= now


def end_sessions(user: Any, *, keep: HttpRequest | None = None) -> None:
    """
    End the sessions of a user (R36) and revoke the account's known browsers.

    If the user model has a security stamp, a new stamp ends all sessions, also those in signed
    cookies and those of requests that are being answered. Then the sessions that are recorded for
    the user are deleted, see ``swap_user.otp.sessions.records``.

    Args:
        user: the user whose sessions end.
        keep: the request whose session stays logged in and whose browser stays known, or None.

    Raises:
        LoginUnavailable: the cache that holds the sessions can't be reached.
    """
    # If Redis can't be reached, the browsers stay known. They only keep their own limits.
    with suppress(LoginUnavailable):
        account_key = keys.account_key(usernames.normalize(user.get_username()))
        known_browsers.revoke(account_key, keep=known_browsers.read(keep))
    if hasattr(user, "rotate_security_stamp"):
        user.rotate_security_stamp()
        if keep is not None:
            keep.user = user
            update_session_auth_hash(keep, user)
            records.follow(keep)
    ending.end_recorded(user, keep=keep)
