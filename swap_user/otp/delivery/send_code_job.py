"""The job that computes a code and sends it. It runs after the request for the code."""

import logging
import math
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.views.decorators.debug import sensitive_variables

from swap_user import signals
from swap_user.otp import audit, policies
from swap_user.otp.authenticators.secrets import is_enrolled, sent_authenticator
from swap_user.otp.challenges import challenge
from swap_user.otp.connections import release_connections
from swap_user.otp.crypto import hotp
from swap_user.otp.delivery.retry import Message, Withheld, send_message
from swap_user.otp.senders import AbstractOTPSender, sender_class
from swap_user.otp.site_name import site_name
from swap_user.otp.store import keys
from swap_user.otp.throttling import sends
from swap_user.users import lookup


@dataclass(frozen=True)
class CodeJob:
    """
    The arguments of the job, as a queue stores them: JSON values without a code or a secret.

    A queue may contain jobs of earlier versions, so the names of the fields must not change, and
    the first two fields must stay first.

    Attributes:
        name: the canonical username. The account may not exist.
        flow: the flow that requested the code, or None.
        counter: the counter of the challenge.
        digits: number of digits of the code.
        expires_at: expiry of the challenge, Unix time in seconds.
        host: host name of the site in the visitor's request, or "".
        language: language of the visitor, or None.
        known: whether a known browser of the account requested the code.
        browser: hash of the id in the cookie, if the cookie's signature is valid and it names the
            account. Else "". It makes the job urgent.
    """

    name: str
    flow: str | None
    counter: int
    digits: int
    expires_at: float
    host: str
    language: str | None
    known: bool = False
    browser: str = ""


def deliver_code(*args: Any, **kwargs: Any) -> None:
    """
    Send a code, if there is a user who may log in with it. This is a job.

    The arguments are the fields of ``CodeJob``.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    job = CodeJob(*args, **kwargs)
    account_key, now = keys.account_key(job.name), time.time()
    user = find_active_user(job.name)
    if user is None:
        reason = "no active account"
        audit.record(logging.INFO, "code not sent", account=account_key, reason=reason)
    elif not policies.takes_sent(user, enrolled=is_enrolled(user)):
        reason = "the policy accepts no sent code"
        audit.record(logging.INFO, "code not sent", user=user.pk, reason=reason)
    elif job.expires_at <= now:
        reason = "expired before delivery"
        audit.record(logging.WARNING, "code not sent", user=user.pk, reason=reason)
    else:
        send_message(render(job, user, now=now))


def find_active_user(name: str) -> AbstractBaseUser | None:
    """Return the active user with this canonical username, or None."""
    user = lookup.find(name)
    return user if user is not None and lookup.is_active(user) else None


@sensitive_variables("secret", "code")
def render(job: CodeJob, user: AbstractBaseUser, *, now: float) -> Message:
    """Return the message with the code."""
    authenticator, secret = sent_authenticator(user)
    counter = job.counter
    if counter <= authenticator.consumed:
        # The clock was set back since the last login. A code with this counter would be refused.
        counter = challenge.issue(
            keys.account_key(job.name),
            job.flow,
            now=now,
            timeout=math.ceil(job.expires_at - now),
            digits=job.digits,
            above=authenticator.consumed,
        )
    code = hotp.code_at(secret, counter, digits=job.digits)
    return Message(
        user=user,
        send=_Attempts(job, user, code),
        report=partial(_report, user),
        language=job.language,
        expires_at=job.expires_at,
        code=code,
    )


@dataclass
class _Attempts:
    """The attempts to send one code. The first that knows the receiver charges the message."""

    job: CodeJob
    user: AbstractBaseUser
    code: str = field(repr=False)
    is_charged: bool = False

    @sensitive_variables()
    def __call__(self, sender: AbstractOTPSender) -> None:
        """
        Make one attempt.

        Raises:
            Withheld: a limit on messages is reached.
            LoginUnavailable: Redis can't be reached.
            Exception: an exception of the sender.
        """
        receiver, name = sender.get_receiver(self.user), site_name(self.job.host)
        if not self.is_charged:
            self._charge(receiver)
            self.is_charged = True
        release_connections()
        sender.send(
            receiver,
            self.code,
            user=self.user,
            expires_in=max(1, math.ceil(self.job.expires_at - time.time())),
            site_name=name,
            host=self.job.host,
        )

    def _charge(self, receiver: str) -> None:
        scope = sends.limit_reached(receiver, known=self.job.known, now=time.time())
        if scope:
            account_key = keys.account_key(self.job.name)
            audit.record(logging.WARNING, "send limited", account=account_key, scope=scope)
            raise Withheld


def _report(user: AbstractBaseUser, error: str) -> None:
    if error:
        audit.record(logging.ERROR, "code not sent", user=user.pk, error=error)
    else:
        audit.record(logging.INFO, "code sent", user=user.pk)
        signals.code_sent.send_robust(sender_class(), user=user)
