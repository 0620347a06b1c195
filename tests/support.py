"""What tests of the core share: users, visitors, and both doors of the backend."""

from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync
from django.contrib.auth import aauthenticate, authenticate, get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.test import RequestFactory

from swap_user.models import Authenticator
from swap_user.otp import send_code
from swap_user.otp.authenticators.secrets import seal
from swap_user.otp.crypto import hotp
from swap_user.testing import outbox

# RFC 4226 appendix D; its base32 is in requirements.md.
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

USERNAMES = {"email": "user{}@example.com", "phone": "+4915112345{:03d}", "username": "user{}"}


def username(number: int = 1) -> str:
    """Return a username that suits the user model of these settings."""
    return USERNAMES[get_user_model().USERNAME_FIELD].format(number)


def make_user(number: int = 1, **fields: Any) -> Any:
    """Create a user of the model of these settings."""
    model = get_user_model()
    user = model(**{model.USERNAME_FIELD: username(number)}, **fields)
    if hasattr(user, "email") and not user.email:
        user.email = USERNAMES["email"].format(number)
    user.save()
    return user


def visitor(path: str = "/", **extra: Any) -> HttpRequest:
    """Return a request with a session of its own, as from a browser that was never here."""
    request = RequestFactory().get(path, **extra)
    request.session = SessionStore()
    return request


def ask(request: HttpRequest | None, name: str | None = None) -> str:
    """Ask for a code and return it, read from the message."""
    before = len(outbox)
    assert send_code(request, name or username()) is None
    assert len(outbox) == before + 1, "no message was sent"
    return outbox[-1].otp


def enter(request: HttpRequest | None, code: object, name: object = None) -> Any:
    """Offer a code at the synchronous door."""
    return authenticate(request, username=name or username(), otp=code)


def aenter(request: HttpRequest | None, code: object, name: object = None) -> Any:
    """Offer a code at the asynchronous door."""
    return async_to_sync(aauthenticate)(request, username=name or username(), otp=code)


def give(user: Any, type: str = "totp", secret: str = RFC_SECRET, **fields: Any) -> Authenticator:
    """Give a user an authenticator with a known secret."""
    authenticator = Authenticator(user=user, type=type, **fields)
    seal(authenticator, secret)
    authenticator.save()
    return authenticator


def totp(now: float, **fields: Any) -> str:
    """Return what an authenticator app with the known secret shows at ``now``."""
    period = fields.pop("period", 30)
    return hotp.code_at(RFC_SECRET, hotp.time_step(now, period=period), **fields)
