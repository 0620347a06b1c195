"""The job that computes a code and sends it. It runs after the request for the code."""

import logging
import math
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.views.decorators.debug import sensitive_variables

from swap_user import signals
from swap_user.conf import swap_user_settings
from swap_user.models import Authenticator
from swap_user.otp import audit, policies
from swap_user.otp.authenticators.secrets import sent_authenticator
from swap_user.otp.availability import DATABASE_ERRORS
from swap_user.otp.challenges import challenge, unbound
from swap_user.otp.connections import release_connections
from swap_user.otp.crypto import hotp
from swap_user.otp.delivery.retry import Message, Withheld, send_message
from swap_user.otp.senders import AbstractOTPSender, sender_class
from swap_user.otp.site_name import site_name
from swap_user.otp.store import keys
from swap_user.otp.throttling import guesses, messages, requests, wrong_guesses
from swap_user.otp.visitors import known_browsers
from swap_user.otp.visitors.visitor import Origin
from swap_user.users import lookup
from swap_user.users.databases import written


@dataclass(frozen=True)
class CodeJob:
    """
    The arguments of the job, as a queue stores them: JSON values without a code or a secret.

    A queue may contain jobs of earlier versions, so the names of the fields must not change, and
    the first two fields must stay first.

    Attributes:
        name: the canonical username. The account may not exist.
        flow: the flow that requested the code, or None.
        counter: the smallest counter that the challenge may have.
        digits: number of digits of the code, if it may be short.
        expires_at: expiry of a new challenge, Unix time in seconds.
        host: host name of the site in the visitor's request, or "".
        language: language of the visitor, or None.
        known: not used. Jobs of the alpha have it.
        browser: the hash of the browser that claims to be known for the account, or "".
        network: the hash of the visitor's network, or "".
        neighbourhood: the hash of the network of the visitor's provider, or "".
        channel: the name of the channel that the visitor wants, or "".
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
    network: str = ""
    neighbourhood: str = ""
    channel: str = ""

    @property
    def origin(self) -> Origin:
        """Where the request came from."""
        return Origin(self.network, self.neighbourhood)


def deliver_code(*args: Any, **kwargs: Any) -> None:
    """
    Send a code, if there is a user who may log in with it. This is a job.

    It charges the message first, and issues the challenge then: what is not charged can't be
    guessed. The arguments are the fields of ``CodeJob``.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    job = CodeJob(*args, **kwargs)
    account_key, now = keys.account_key(job.name), time.time()
    user = find_active_user(job.name)
    if user is None:
        reason = "no active account"
        audit.record(logging.INFO, "code not sent", account=account_key, reason=reason)
        return
    authenticators = list(written(Authenticator).filter(user_id=user.pk))
    enrolled = any(each.factor == policies.AUTHENTICATOR for each in authenticators)
    if not policies.takes_sent(user, enrolled=enrolled):
        reason = "the policy accepts no sent code"
        audit.record(logging.INFO, "code not sent", user=user.pk, reason=reason)
        return
    if job.expires_at <= now:
        reason = "expired before delivery"
        audit.record(logging.WARNING, "code not sent", user=user.pk, reason=reason)
        return
    is_known = bool(job.browser) and known_browsers.is_known(job.browser, user)
    clock, kept = guesses.kept(account_key)
    limit = messages.charge_account(user, account_key, job.origin, is_known=is_known, now=clock)
    if not limit:
        requests.report_limit(account_key, "account")
        return
    counted = wrong_guesses.counted(user, now=clock)
    is_short = guesses.accepts_short(counted, authenticators, kept=kept, is_known=is_known)
    digits = job.digits if is_short else hotp.MAX_DIGITS
    send_message(render(job, user, digits=digits, limit=limit))


def find_active_user(name: str) -> AbstractBaseUser | None:
    """Return the active user with this canonical username, or None."""
    user = lookup.find(name)
    return user if user is not None and lookup.is_active(user) else None


@sensitive_variables("secret")
def render(job: CodeJob, user: AbstractBaseUser, *, digits: int, limit: str) -> Message:
    """
    Return the message with the code.

    Args:
        job: the arguments of the job.
        user: the user whom the message is for.
        digits: number of digits of the code.
        limit: the limit of the account that the message was charged to.
    """
    authenticator, secret = sent_authenticator(user)
    attempts = _Attempts(job, user, secret, authenticator.consumed, digits, limit)
    return Message(
        user=user,
        send=attempts,
        report=partial(_report, attempts),
        language=job.language,
        expires_at=job.expires_at,
        code=lambda: attempts.code,
        channel=job.channel,
        reaches=lambda sender: sender.get_receiver(user),
        withheld=attempts.give_back,
    )


@dataclass
class _Attempts:
    """
    The attempts to send one code.

    The first that knows a receiver charges the message to it. The first of all issues the
    challenge, so that every channel sends the same code.
    """

    job: CodeJob
    user: AbstractBaseUser
    secret: str = field(repr=False)
    consumed: int
    digits: int
    limit: str
    code: str = field(default="", repr=False)
    expires_at: float = 0
    charged: set[str] = field(default_factory=set)
    sent_by: type[AbstractOTPSender] | None = None

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
        if receiver not in self.charged:
            self._charge(receiver)
            self.charged.add(receiver)
        if not self.code:
            self._issue()
        release_connections()
        sender.send(
            receiver,
            self.code,
            user=self.user,
            expires_in=max(1, math.ceil(self.expires_at - time.time())),
            site_name=name,
            host=self.job.host,
            is_known=self.is_known,
        )
        self.sent_by = type(sender)

    @property
    def is_known(self) -> bool:
        """Whether the message was charged to the known browsers of the account."""
        return self.limit == messages.KNOWN

    def _charge(self, receiver: str) -> None:
        scope = messages.charge_receiver(receiver, self.job.origin, is_known=self.is_known)
        if scope:
            requests.report_limit(keys.account_key(self.job.name), scope)
            raise Withheld

    def give_back(self) -> None:
        """
        Let the network of a newcomer get another message, since it has not got this one.

        The other charges stay: they are part of the arithmetic of a year.
        """
        if self.limit == messages.NEWCOMERS:
            with suppress(*DATABASE_ERRORS):  # what is reported or logged does not depend on it
                messages.forget_network(self.user, self.job.origin)

    def _issue(self) -> None:
        issued = challenge.issue(
            keys.account_key(self.job.name),
            self.job.flow,
            counter=self.job.counter,
            above=self.consumed,
            now=time.time(),
            expires_at=self.job.expires_at,
            timeout=swap_user_settings.OTP_TIMEOUT,
            askers=unbound.askers(self.job.browser, self.job.network),
            is_known=self.is_known,
        )
        self.expires_at = issued.expires_at
        self.code = hotp.code_at(self.secret, issued.counter, digits=self.digits)


def _report(attempts: _Attempts, error: str) -> None:
    user = attempts.user
    if error:
        audit.record(logging.ERROR, "code not sent", user=user.pk, error=error)
        attempts.give_back()
    else:
        audit.record(logging.INFO, "code sent", user=user.pk)
        seconds = max(0.0, time.time() - challenge.requested_at(attempts.job.counter))
        sender = attempts.sent_by or sender_class()
        signals.code_sent.send_robust(sender, user=user, seconds=seconds)
