"""Sessions: the age of a login, and the end of a user's sessions."""

import time
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY, update_session_auth_hash
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from swap_user.conf import swap_user_settings
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.store import keys
from swap_user.otp.verification import outcomes
from swap_user.otp.visitors import known_browsers
from swap_user.signals import new_browser_login

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

    If the user model has a security stamp, one UPDATE saves a new stamp, which ends all sessions.
    Otherwise this function searches all sessions in the database. It can't find sessions that are
    stored only in a cache or in cookies, and these stay logged in.

    Args:
        user: the user whose sessions end.
        keep: the request whose session stays logged in and whose browser stays known, or None.
    """
    # If Redis can't be reached, the browsers stay known. They only keep their own limits.
    with suppress(LoginUnavailable):
        account_key = keys.account_key_of(user)
        known_browsers.revoke(account_key, keep=known_browsers.read(keep))
    if hasattr(user, "rotate_security_stamp"):
        user.rotate_security_stamp()
        if keep is not None:
            keep.user = user
            update_session_auth_hash(keep, user)
        return
    kept = keep.session.session_key if keep is not None else None
    for session in _stored_sessions():
        if session.session_key != kept and session.get(SESSION_KEY) == str(user.pk):
            session.delete()


def _stored_sessions() -> Iterator[SessionBase]:
    engine: Any = import_module(settings.SESSION_ENGINE).SessionStore
    if not hasattr(engine, "get_model_class"):
        return
    keys = engine.get_model_class().objects.order_by().values_list("session_key", flat=True)
    for key in keys.iterator():
        yield engine(key)
