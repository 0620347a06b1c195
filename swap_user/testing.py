"""Helpers for a project's own tests: a sender that keeps messages in memory, logins, and apps."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import load_backend

from swap_user.backends import OTPBackend
from swap_user.models import Authenticator
from swap_user.otp import policies
from swap_user.otp.authenticators.secrets import open_secret, seal
from swap_user.otp.background import lifecycle
from swap_user.otp.crypto import hotp
from swap_user.otp.masked import reveal
from swap_user.otp.senders import AbstractOTPSender
from swap_user.otp.sessions import proof

if TYPE_CHECKING:
    from django.test import Client

_FACTORS = (policies.PASSWORD, policies.SENT, policies.AUTHENTICATOR, policies.RECOVERY)


@dataclass(frozen=True, slots=True)
class SentCode:
    """
    One sent code.

    Attributes:
        receiver: the address or phone number it was sent to.
        otp: the code.
        kwargs: the other arguments of ``send()``.
    """

    receiver: str
    otp: str
    kwargs: dict[str, Any] = field(default_factory=dict)


outbox: list[SentCode] = []
"""The codes sent in this process, oldest first. Clear it at the start of a test."""


class MemoryOTPSender(AbstractOTPSender):
    """A sender that appends every code to ``outbox`` instead of delivering it."""

    def send(self, receiver: str, otp: str, **kwargs: Any) -> None:
        """Append the code to ``outbox``; see AbstractOTPSender.send()."""
        outbox.append(SentCode(receiver, reveal(otp), kwargs))


def wait_for_deliveries(seconds: float = 10) -> bool:
    """
    Wait until the delivery threads of this process are idle.

    Args:
        seconds: maximum time to wait.

    Returns:
        True if they are idle, False if deliveries are still waiting or running after ``seconds``.
    """
    return lifecycle.current().drain(seconds)


def log_in(client: "Client", user: Any, factors: Iterable[str] = (policies.SENT,)) -> None:
    """
    Log the test client in, as after a login with these factors. It needs neither a code nor Redis.

    Unlike after ``client.force_login(user)``, the OTP admin is open, and the login counts as
    recent, if the policy is satisfied with these factors.

    Args:
        client: the test client.
        user: the user to log in.
        factors: what the user has shown: "sent", "authenticator", "recovery" or "password".

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
    proof.record(session, user, shown, now=time.time())
    session.save()
    # The key of a session in a signed cookie is its data.
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key or ""


def _otp_backend() -> str | None:
    """Return the path of the first backend that accepts codes, or None."""
    for path in settings.AUTHENTICATION_BACKENDS:
        if isinstance(load_backend(path), OTPBackend):
            return path
    return None


@dataclass(frozen=True, slots=True)
class EnrolledAuthenticator:
    """
    An authenticator app of a test.

    Attributes:
        authenticator: the row in the database.
    """

    authenticator: Authenticator

    def now(self) -> str:
        """
        Return the code that the app shows now.

        Each code works once. A test that logs in twice with the app within 30 seconds moves the
        clock in between.
        """
        app = self.authenticator
        return hotp.code_at(
            open_secret(app),
            hotp.time_step(time.time(), period=app.period),
            digits=app.digits,
            algorithm=app.algorithm,
        )


def enroll_authenticator(user: Any, name: str = "Test app") -> EnrolledAuthenticator:
    """
    Give a user an authenticator app. Redis is not needed, and the owner is not notified.

    Args:
        user: the owner.
        name: the name of the authenticator.

    Returns:
        An object whose ``now()`` returns the code that the app shows.
    """
    authenticator = Authenticator(user=user, type=Authenticator.Type.TOTP, name=name)
    seal(authenticator, hotp.generate_secret())
    authenticator.save(force_insert=True)
    return EnrolledAuthenticator(authenticator)
