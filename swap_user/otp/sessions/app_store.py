"""
Sessions of apps, which have a session token where browsers have a cookie.

They are stored by the session engine of the project. The key of such a session is a keyed hash of
its token, so neither the database nor a cache holds what logs an app in. The salt of the signature
and the prefix in a cache are other ones, too: a session of an app is empty if its key is sent as a
cookie, and a cookie is no token.
"""

import secrets
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends import cache as in_cache
from django.contrib.sessions.backends.base import SessionBase
from django.utils.crypto import salted_hmac

from swap_user.otp.masked import Masked

TOKEN_PREFIX = "sut_"  # noqa: S105 - it lets scanners recognize tokens that were published
"""The first characters of every session token."""

_SALT = "swap_user.session_token"

# A key of Django has 32 characters. The column of the table has room for 40, and the engine with
# files accepts only lowercase letters and digits.
_KEY_PREFIX = "app"
_KEY_LENGTH = 40


def is_app_key(key: str | None) -> bool:
    """Return whether a session key is that of an app."""
    return key is not None and len(key) == _KEY_LENGTH and key.startswith(_KEY_PREFIX)


def keys_of(token: str) -> Iterator[str]:
    """Yield the session keys that a token can have: one for SECRET_KEY and each fallback."""
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        yield _key_of(token, secret)


def _key_of(token: str, secret: str | bytes) -> str:
    digest = salted_hmac(_SALT, token, secret=secret, algorithm="sha256").hexdigest()
    return f"{_KEY_PREFIX}{digest}"[:_KEY_LENGTH]


class _AppSession(SessionBase):
    """What the sessions of apps add to the engine. Its keys are made of tokens."""

    _token: str | None = None

    def _get_new_session_key(self) -> str:
        self._token = Masked(TOKEN_PREFIX + secrets.token_urlsafe(32))
        return _key_of(self._token, settings.SECRET_KEY)

    async def _aget_new_session_key(self) -> str:
        return self._get_new_session_key()

    @property
    def new_token(self) -> str | None:
        """The token of this session if it was made in this request, or else None."""
        key, token = self.session_key, self._token
        is_new = key is not None and token is not None and key in keys_of(token)
        return token if is_new else None


@lru_cache(maxsize=8)
def app_store(engine: type[SessionBase]) -> type[_AppSession]:
    """
    Return the class of the sessions of apps for a session engine.

    Args:
        engine: the class of the project's sessions, which are stored on the server.
    """
    names: dict[str, Any] = {"__module__": __name__, "__qualname__": "AppSession"}
    prefix = getattr(engine, "cache_key_prefix", None)
    if prefix is not None or issubclass(engine, in_cache.SessionStore):
        names["cache_key_prefix"] = f"swap_user.app.{prefix or in_cache.KEY_PREFIX}"
    return type("AppSession", (_AppSession, engine), names)
