"""What tests of the core share: users, visitors, and both doors of the backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import django
from asgiref.sync import async_to_sync
from django.contrib.auth import aauthenticate, authenticate, get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.http import HttpRequest
from django.test import RequestFactory

from services.smtp import SMTPServer
from swap_user.models import Authenticator
from swap_user.otp import send_code
from swap_user.otp.authenticators.secrets import seal
from swap_user.otp.crypto import hotp
from swap_user.testing import outbox

# RFC 4226 appendix D; its base32 is in requirements.md.
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

# Where the clock of most tests stands.
NOW = 1_800_000_000

CACHE_BACKENDS = {
    "django": "django.core.cache.backends.redis.RedisCache",
    "django_redis": "django_redis.cache.RedisCache",
}

# How usernames of each type are made of a number; phone numbers go up to ten million.
USERNAMES: dict[str, Callable[[int], str]] = {
    "email": lambda number: f"user{number}@example.com",
    "phone": lambda number: f"+49{15_112_345_000 + number}",
    "username": lambda number: f"user{number}",
}

# One more query for the stored spelling of a username, where the column ignores case.
IDENTIFYING = int(connection.vendor == "mysql")

# Other ways to type username().
SPELLINGS = {
    "email": ["USER1@EXAMPLE.COM", " user1@Example.com ", "\uff35ser1@example.com"],
    "phone": ["+49 151 12345-001", "\uff0b4915112345001", "tel:+49-151-12345001"],
    "username": ["\uff55ser1", "user\u00b9", "us\uff45r1"],
}


def username(number: int = 1) -> str:
    """Return a username that suits the user model of these settings."""
    return USERNAMES[get_user_model().USERNAME_FIELD](number)


def spellings() -> list[str]:
    """Return three other ways to type ``username()``."""
    return SPELLINGS[get_user_model().USERNAME_FIELD]


def make_user(number: int = 1, **fields: Any) -> Any:
    """Create a user of the model of these settings."""
    model = get_user_model()
    user = model(**{model.USERNAME_FIELD: username(number)}, **fields)
    if hasattr(user, "email") and not user.email:
        user.email = USERNAMES["email"](number)
    user.save()
    return user


def configure(settings: Any, **changes: Any) -> None:
    """Change some keys of SWAP_USER, with the fixture ``settings``."""
    settings.SWAP_USER = settings.SWAP_USER | changes


def use_policy(settings: Any, name: str) -> None:
    """Choose one of the shipped policies."""
    configure(settings, OTP_POLICY_CLASS=f"swap_user.otp.policies.{name}")


def send_mail_to(settings: Any, server: SMTPServer) -> None:
    """Let Django send its mail to this server, by the settings of its version."""
    backend = "django.core.mail.backends.smtp.EmailBackend"
    if django.VERSION >= (6, 1):
        options = {"host": server.host, "port": server.port}
        settings.MAILERS = {"default": {"BACKEND": backend, "OPTIONS": options}}
    else:
        settings.EMAIL_BACKEND = backend
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.host, server.port


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
