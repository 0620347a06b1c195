"""The job that sends a code to an address which no account has, or a message to its owner."""

import logging
import math
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.contrib.auth import get_user_model
from django.template.loader import render_to_string
from django.views.decorators.debug import sensitive_variables

from swap_user.conf import swap_user_settings
from swap_user.otp import audit
from swap_user.otp.accounts import address_field
from swap_user.otp.accounts.address_claim import CHANGE, DIGITS, SIGN_UP, AddressClaim
from swap_user.otp.challenges import challenge
from swap_user.otp.connections import release_connections
from swap_user.otp.crypto import hotp
from swap_user.otp.delivery.owner import last_seen, words_of
from swap_user.otp.delivery.retry import Message, Withheld, send_message
from swap_user.otp.senders import AbstractOTPSender, load_sender, notice_receiver
from swap_user.otp.site_name import site_name
from swap_user.otp.store import keys
from swap_user.otp.throttling import messages
from swap_user.otp.visitors.visitor import Origin
from swap_user.users import lookup
from swap_user.users.databases import written


@dataclass(frozen=True)
class ConfirmationJob:
    """
    The arguments of the job, as a queue stores them: JSON values without a code or a secret.

    Attributes:
        name: see AddressClaim.
        purpose: see AddressClaim.
        owner: see AddressClaim.
        flow: the flow that requested the code, or None.
        counter: the smallest counter that the challenge may have.
        expires_at: expiry of a new challenge, Unix time in seconds.
        host: host name of the site in the visitor's request, or "".
        language: language of the visitor, or None.
        network: the hash of the visitor's network, or "".
        neighbourhood: the hash of the network of the visitor's provider, or "".
    """

    name: str
    purpose: str
    owner: str
    flow: str | None
    counter: int
    expires_at: float
    host: str
    language: str | None
    network: str = ""
    neighbourhood: str = ""

    @property
    def claim(self) -> AddressClaim:
        """What the visitor says."""
        return AddressClaim(self.purpose, self.name, self.owner)

    @property
    def origin(self) -> Origin:
        """Where the request came from."""
        return Origin(self.network, self.neighbourhood)


def deliver_confirmation(**kwargs: Any) -> None:
    """
    Send a code to an address. If an account has it already, send its owner a message instead.

    This is a job. The arguments are the fields of ``ConfirmationJob``.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    job = ConfirmationJob(**kwargs)
    if job.expires_at <= time.time():
        audit.record(
            logging.WARNING,
            "address code not sent",
            account=job.claim.key,
            purpose=job.purpose,
            reason="expired before delivery",
        )
        return
    user = _changing_user(job)
    if user is None:
        audit.record(
            logging.INFO,
            "address code not sent",
            account=job.claim.key,
            purpose=job.purpose,
            reason="no active account",
        )
        return
    release_connections()  # the sender may query several databases, see ``retry``
    column = address_field.address_field(user)
    if column is None:
        audit.record(
            logging.ERROR,
            "address code not sent",
            account=job.claim.key,
            purpose=job.purpose,
            reason="the sender reads no field",
        )
        return
    changed = address_field.with_address(user, column, job.name)
    receiver = load_sender().get_receiver(changed)
    try:
        _charge(job, messages.charge_unknown(receiver, is_user=job.purpose == CHANGE))
    except Withheld:
        return
    owner = address_field.owner_of(column, job.name, other_than=user)
    if owner is None or not (job.purpose == SIGN_UP or address_field.is_unique(column)):
        attempts: _CodeAttempts | _TakenAttempts = _CodeAttempts(job, changed)
    elif lookup.is_active(owner):
        attempts = _TakenAttempts(job, owner)
    else:
        audit.record(
            logging.INFO,
            "address code not sent",
            account=job.claim.key,
            purpose=job.purpose,
            reason="an inactive account has the address",
        )
        return
    send_message(
        Message(
            user=attempts.user,
            send=attempts,
            report=partial(_report, job),
            language=job.language,
            expires_at=job.expires_at,
            code=lambda: attempts.code,
            key=job.claim.key,
            reaches=lambda sender: notice_receiver(sender, attempts.user),
            # Another channel may lead to an address that the code does not confirm.
            is_bound=isinstance(attempts, _CodeAttempts),
        )
    )


def _changing_user(job: ConfirmationJob) -> Any:
    """Return the user who changes the address, or a new one. None if that user may not log in."""
    model: Any = get_user_model()
    if job.purpose == SIGN_UP:
        return model()
    user = written(model).filter(pk=job.owner).first()
    return user if user is not None and lookup.is_active(user) else None


@dataclass
class _CodeAttempts:
    """The attempts to send a code. The first charges the message, and issues the challenge."""

    job: ConfirmationJob
    user: Any
    code: str = field(default="", repr=False)
    expires_at: float = 0

    @sensitive_variables()
    def __call__(self, sender: AbstractOTPSender) -> None:
        """
        Make one attempt.

        Raises:
            Withheld: a limit on messages is reached.
            LoginUnavailable: Redis can't be reached.
            Exception: an exception of the sender.
        """
        job = self.job
        receiver, name = sender.get_receiver(self.user), site_name(job.host)
        if not self.code:
            _charge(job, messages.charge_receiver(receiver, job.origin, is_known=False))
            self._issue()
        release_connections()
        sender.send(
            receiver,
            self.code,
            user=self.user,
            expires_in=max(1, math.ceil(self.expires_at - time.time())),
            site_name=name,
            host=job.host,
            purpose=job.purpose,
        )

    def _issue(self) -> None:
        job, now = self.job, time.time()
        issued = challenge.issue(
            job.claim.key,
            job.flow,
            counter=job.counter,
            now=now,
            expires_at=job.expires_at,
            timeout=swap_user_settings.OTP_TIMEOUT,
        )
        self.expires_at = issued.expires_at
        secret = job.claim.secret(job.flow)
        self.code = hotp.code_at(secret, issued.counter, digits=DIGITS)


@dataclass
class _TakenAttempts:
    """The attempts to tell the owner of an address, in their language, that it was entered."""

    job: ConfirmationJob
    user: Any
    code: str = ""
    is_charged: bool = False
    charged: set[str] = field(default_factory=set)

    def __call__(self, sender: AbstractOTPSender) -> None:
        """
        Make one attempt.

        Raises:
            Withheld: a limit on messages is reached.
            LoginUnavailable: Redis can't be reached.
            Exception: an exception of the sender.
        """
        job = self.job
        receiver = notice_receiver(sender, self.user)
        if not self.is_charged:
            account_key = keys.account_key_of(self.user)
            now = messages.server_time()
            if not messages.charge_account(
                self.user, account_key, job.origin, is_known=False, now=now
            ):
                _charge(job, "account")
            self.is_charged = True
        if receiver not in self.charged:
            _charge(job, messages.charge_receiver(receiver, job.origin, is_known=False))
            self.charged.add(receiver)
        context = {"purpose": job.purpose, "site_name": site_name(job.host)}
        # The visitor has chosen the language of the request, and may be a stranger.
        with words_of(self.user, load_sender(), last_seen(self.user)):
            lines = render_to_string("swap_user/notices/taken_subject.txt", context)
            text = render_to_string("swap_user/notices/taken.txt", context)
        subject = " ".join(lines.split())
        release_connections()
        sender.notify(self.user, subject, text)


def _charge(job: ConfirmationJob, scope: str) -> None:
    """Raise Withheld if a limit was reached."""
    if scope:
        audit.record(
            logging.WARNING,
            "address code limited",
            account=job.claim.key,
            purpose=job.purpose,
            scope=scope,
        )
        raise Withheld


def _report(job: ConfirmationJob, error: str) -> None:
    if error:
        audit.record(
            logging.ERROR,
            "address code not sent",
            account=job.claim.key,
            purpose=job.purpose,
            error=error,
        )
    else:
        audit.record(logging.INFO, "address code sent", account=job.claim.key, purpose=job.purpose)
