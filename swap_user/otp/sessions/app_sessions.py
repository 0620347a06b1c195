"""
The sessions of apps: from a session token to the session, and its end.

A session of an app ends after a time without requests, and at the latest some time after the login.
The policy has both times, see ``policies.AnyCode``.
"""

import time
from datetime import timedelta
from typing import Any

from django.contrib.auth import HASH_SESSION_KEY
from django.http import HttpRequest

from swap_user.otp.authenticators.secrets import keyring
from swap_user.otp.exceptions import EncryptionError
from swap_user.otp.masked import Masked
from swap_user.otp.policies import load_policy
from swap_user.otp.sessions import engines
from swap_user.otp.sessions.app_store import TOKEN_PREFIX, keys_of

SESSION_KEY = "_swap_user_app"

_BROWSER_KEY = "_swap_user_known_browser"

# The session is written again after this part of the time that it may be idle, or after an hour.
_PART = 20
_AT_MOST = 3600


def new() -> Any:
    """Return a new session of an app, which is not stored yet."""
    return engines.app_store_class()()


def load(token: str) -> Any:
    """
    Return the session of a token, or None if the token is not valid or the session has ended.

    Args:
        token: the session token.

    Raises:
        LoginUnavailable: the cache that holds the sessions can't be reached.
    """
    if not token.startswith(TOKEN_PREFIX) or not token.isascii():
        return None
    for key in keys_of(token):
        session = engines.app_store_class()(key)
        if _is_live(session):
            return session
        require_cache(session)
    return None


def require_cache(session: Any) -> None:
    """
    Raise the error of a cache that can't be reached, if a session in it seems to be gone.

    Django takes it for a session that has ended then.
    """
    session.get("")  # loads the data, or removes the key
    if session.is_empty() and (cache := getattr(session, "_cache", None)) is not None:
        cache.get("swap_user.session")


def begin(session: Any) -> None:
    """Let the lifetime of a session begin. Call it after the login."""
    now = time.time()
    session[SESSION_KEY] = {"began_at": now}
    _prolong(session, now)


def touch(session: Any) -> None:
    """Note that a session is in use. It is changed, and so written, only now and then."""
    now = time.time()
    idle = load_policy().app_session_idle.total_seconds()
    if now - session[SESSION_KEY]["seen_at"] >= min(idle / _PART, _AT_MOST):
        _prolong(session, now)


def save_known_browser(session: Any, cookie: str) -> None:
    """
    Keep what makes an app known. It is encrypted, because the database has only its hash elsewhere.

    Args:
        session: the session of the app.
        cookie: what a browser has in the cookie of known browsers.
    """
    session[_BROWSER_KEY] = keyring().encrypt(Masked(cookie), associated_data=_BROWSER_KEY)


def known_browser(session: Any) -> str:
    """Return what ``save_known_browser()`` has kept, or ""."""
    sealed = session.get(_BROWSER_KEY)
    if not isinstance(sealed, str):
        return ""
    try:
        return str(keyring().decrypt(sealed, associated_data=_BROWSER_KEY))
    except EncryptionError:
        return ""


def accept_new_hash(session: Any, user: Any) -> None:
    """
    Keep the session of an app when a new security stamp or password ends those of its user.

    Its token stays. Outside the API there is no answer with another one.

    Args:
        session: the session of the app, which is stored.
        user: its user.
    """
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()


def is_app(request: HttpRequest) -> bool:
    """Return whether the session of a request is that of an app."""
    return SESSION_KEY in getattr(request, "session", ())


def _prolong(session: Any, now: float) -> None:
    times = session[SESSION_KEY] | {"seen_at": now}
    session[SESSION_KEY] = times
    session.set_expiry(timedelta(seconds=max(1, _end(times) - now)))


def _is_live(session: Any) -> bool:
    match session.get(SESSION_KEY):
        case {"began_at": int() | float(), "seen_at": int() | float() as seen_at} as times:
            return bool(seen_at <= time.time() + _AT_MOST and time.time() < _end(times))
        case _:
            return False


def _end(times: dict[str, float]) -> float:
    """Return when a session ends, Unix time in seconds."""
    policy = load_policy()
    return min(
        times["seen_at"] + policy.app_session_idle.total_seconds(),
        times["began_at"] + policy.app_session_lifetime.total_seconds(),
    )
