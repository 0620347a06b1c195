"""A code on its way: computed and handed to the sender, after the request that asked for it."""

import logging
import math
import time

from django.contrib.auth.base_user import AbstractBaseUser
from django.views.decorators.debug import sensitive_variables

from swap_user import signals
from swap_user.otp import audit, policies
from swap_user.otp.authenticators.secrets import is_enrolled, sent_authenticator
from swap_user.otp.background import failures
from swap_user.otp.background.registry import job
from swap_user.otp.challenges import challenge
from swap_user.otp.crypto import hotp
from swap_user.otp.delivery.retry import hand_over
from swap_user.otp.senders import AbstractOTPSender, load_sender, sender_class
from swap_user.otp.site_name import site_name
from swap_user.otp.store import keys
from swap_user.otp.throttling import sends
from swap_user.users import lookup


@job
@sensitive_variables("secret", "code")
def deliver(
    name: str,
    bound_to: str | None,
    *,
    counter: int,
    digits: int,
    expires_at: float,
    host: str,
    language: str | None,
    known: bool = False,
) -> None:
    """
    Compute the code of a challenge and hand it to the sender, if ``name`` has an account.

    A sender that fails is logged and signalled; whoever asked is not told (R34).

    Args:
        name: canonical username.
        bound_to: the flow that asked, or None.
        counter: the challenge's.
        digits: how many digits its code has.
        expires_at: Unix time in seconds at which it ends.
        host: the host name that the visitor sees, or "".
        language: the visitor's, or None.
        known: whether it was asked for from a browser that is known for the account.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    account_key = keys.account_key(name)
    user = lookup.named(name).first() if name else None
    if user is None or not lookup.answers_to(user, name) or not lookup.is_active(user):
        reason = "no active account"
        audit.record(logging.INFO, "code not sent", account=account_key, reason=reason)
        return
    if not policies.takes_sent(user, enrolled=is_enrolled(user)):
        reason = "the policy takes none"
        audit.record(logging.INFO, "code not sent", user=user.pk, reason=reason)
        return
    now = time.time()
    if expires_at <= now:
        reason = "expired before delivery"
        audit.record(logging.WARNING, "code not sent", user=user.pk, reason=reason)
        return
    if scope := _held_back(user, known=known, now=now):
        audit.record(logging.WARNING, "send limited", account=account_key, scope=scope)
        return
    authenticator, secret = sent_authenticator(user)
    if counter <= authenticator.consumed:
        # The clock was set back since the last login: a counter from before it would be refused.
        counter = challenge.issue(
            account_key,
            bound_to,
            now=now,
            timeout=math.ceil(expires_at - now),
            digits=digits,
            above=authenticator.consumed,
        )
    code = hotp.code_at(secret, counter, digits=digits)

    @sensitive_variables()
    def send(sender: AbstractOTPSender) -> None:
        sender.send(
            sender.get_receiver(user),
            code,
            user=user,
            expires_in=max(1, math.ceil(expires_at - time.time())),
            site_name=site_name(host),
            host=host,
        )

    failure = hand_over(send, user=user, until=expires_at, language=language, masked=code)
    if failure is None:
        audit.record(logging.INFO, "code sent", user=user.pk)
        signals.code_sent.send_robust(sender_class(), user=user)
    else:
        audit.record(logging.ERROR, "code not sent", user=user.pk, error=failure)
        failures.delivery_failed(user, failure)


def _held_back(user: AbstractBaseUser, *, known: bool, now: float) -> str:
    """Charge the message to its budgets, and return the one that is spent, or ""."""
    try:
        receiver = load_sender().get_receiver(user)
    except Exception:  # noqa: BLE001 - the sender is the project's; sending will say what is wrong
        return ""
    return sends.limit_reached(receiver, known=known, now=now)
