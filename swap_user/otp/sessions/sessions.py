"""Sessions: the age of a login, and the end of a user's sessions."""

import time
from typing import Any

from django.contrib.auth import update_session_auth_hash
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from swap_user.conf import swap_user_settings
from swap_user.otp.sessions import app_sessions, ending, proof, records
from swap_user.otp.throttling import messages
from swap_user.otp.verification import outcomes
from swap_user.otp.visitors import code_request, entered, flow, known_browsers
from swap_user.otp.visitors.known_browsers import Browser
from swap_user.otp.visitors.session_key import renew_key
from swap_user.otp.visitors.visitor import visitor
from swap_user.signals import new_browser_login


def note_login(
    sender: object, request: HttpRequest | None, user: Any = None, **kwargs: Any
) -> None:
    """
    Record the factors of the login in the session. This is a receiver of ``user_logged_in``.

    A login of another kind, such as with a password, by another package or as another user, removes
    an earlier record.

    After a login with a code in an unknown browser, the network of the visitor can get an extra
    message again, and the signal ``new_browser_login`` is sent, so that the owner is notified. The
    first login of an account needs no notice.
    """
    session = getattr(request, "session", None)
    if session is not None:
        entered.forget(session)
    outcome = outcomes.outcome_of(request)
    if outcome is None or outcome.user is None or outcome.user != user:
        if session is not None:
            proof.clear(session)
        return
    if session is not None:
        proof.record(session, user, outcome.shown, now=time.time())
        code_request.clear(session)
        renew_after_login(request, session)
    if not outcome.known:
        messages.forget_network(user, visitor(request).origin)
        new_browser_login.send(
            type(outcome.user), user=outcome.user, request=request, is_first=outcome.is_first
        )


def renew_after_login(request: HttpRequest | None, session: SessionBase) -> None:
    """
    Give the session a new flow, and a new key unless ``login()`` has given it one (R35, R53).

    ``login()`` keeps the key if the same user was logged in before.
    """
    flow.replace(session)
    if request is not None and session.session_key == outcomes.session_key_of(request):
        renew_key(session)


def is_fresh(request: HttpRequest) -> bool:
    """
    Return whether the user has logged in within the last OTP_FRESH_LOGIN seconds (R37).

    Only a login counts that has shown all factors that the policy requires, see ``proof``.
    """
    now = time.time()
    return proof.is_sufficient(request, since=now - swap_user_settings.OTP_FRESH_LOGIN, now=now)


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
    known_browsers.revoke(user, keep=_browser_of(keep))
    if hasattr(user, "rotate_security_stamp"):
        user.rotate_security_stamp()
        if keep is not None:
            keep.user = user
            if app_sessions.is_app(keep):
                app_sessions.accept_new_hash(keep.session, user)
            else:
                update_session_auth_hash(keep, user)
                records.follow(keep)
    ending.end_recorded(user, keep=keep)


def _browser_of(request: HttpRequest | None) -> Browser | None:
    if request is not None and app_sessions.is_app(request):
        return known_browsers.parse(app_sessions.known_browser(request.session))
    return known_browsers.read(request)
