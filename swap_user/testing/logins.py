"""Logins of a test client, without a code."""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import load_backend

from swap_user.backends import OTPBackend
from swap_user.otp import policies
from swap_user.otp.sessions import proof

if TYPE_CHECKING:
    from django.test import AsyncClient, Client

_FACTORS = (policies.PASSWORD, policies.SENT, policies.AUTHENTICATOR, policies.RECOVERY)


def log_in(
    client: "Client | AsyncClient",
    user: Any,
    factors: Iterable[str] = (policies.SENT,),
    *,
    age: float = 0,
) -> None:
    """
    Log the test client in, as after a login with these factors. It needs neither a code nor Redis.

    Unlike after ``client.force_login(user)``, the OTP admin is open, and the login counts as
    recent, if the policy is satisfied with these factors. The session is recorded, and the owner is
    not notified.

    Args:
        client: the test client: Django's ``Client`` or ``AsyncClient``, or a subclass such as the
            ``APIClient`` of Django REST framework.
        user: the user to log in.
        factors: what the user has shown: "sent", "authenticator", "recovery" or "password".
        age: how long ago the user has shown them, in seconds.

    Raises:
        ValueError: a factor does not exist.
    """
    shown = [factors] if isinstance(factors, str) else list(factors)
    for factor in shown:
        if factor not in _FACTORS:
            raise ValueError(f"There is no factor {factor!r}. Use {', '.join(_FACTORS)}.")
    client.force_login(user, backend=_otp_backend())
    session = client.session
    proof.clear(session)
    proof.record(session, user, shown, now=time.time() - age)
    session.save()
    # The key of a session in a signed cookie is its data.
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key or ""


async def alog_in(
    client: "Client | AsyncClient",
    user: Any,
    factors: Iterable[str] = (policies.SENT,),
    *,
    age: float = 0,
) -> None:
    """See log_in(). For asynchronous tests."""
    await sync_to_async(log_in)(client, user, factors, age=age)


def _otp_backend() -> str | None:
    """Return the path of the first backend that accepts codes, or None."""
    for path in settings.AUTHENTICATION_BACKENDS:
        if isinstance(load_backend(path), OTPBackend):
            return path
    return None
