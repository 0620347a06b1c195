"""A code on its way: computed and handed to the sender, after the request that asked for it."""

import logging
import math
import time
import traceback

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils import translation
from django.views.decorators.debug import sensitive_variables

from swap_user.otp import accounts, challenge, codes, policies, store
from swap_user.otp.authenticators import is_enrolled, sent_authenticator
from swap_user.otp.senders import load_sender
from swap_user.otp.site import site_name

logger = logging.getLogger("swap_user.security")


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
) -> None:
    """
    Compute the code of a challenge and hand it to the sender, if ``name`` has an account.

    A sender that fails is logged; whoever asked is not told (R34).

    Args:
        name: canonical username.
        bound_to: the flow that asked, or None.
        counter: the challenge's.
        digits: how many digits its code has.
        expires_at: Unix time in seconds at which it ends.
        host: the host name that the visitor sees, or "".
        language: the visitor's, or None.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    user = accounts.named(name).first() if name else None
    if user is None or not accounts.answers_to(user, name) or not accounts.is_active(user):
        logger.info("code not sent: account=%s reason=no active account", store.account_key(name))
        return
    if not policies.takes_sent(user, enrolled=is_enrolled(user)):
        logger.info("code not sent: user=%s reason=the policy takes none", user.pk)
        return
    now = time.time()
    expires_in = math.ceil(expires_at - now)
    if expires_in <= 0:
        logger.warning("code not sent: user=%s reason=expired before delivery", user.pk)
        return
    authenticator, secret = sent_authenticator(user)
    if counter <= authenticator.consumed:
        # The clock was set back since the last login: a counter from before it would be refused.
        counter = challenge.issue(
            store.account_key(name),
            bound_to,
            now=now,
            timeout=expires_in,
            digits=digits,
            above=authenticator.consumed,
        )
    code = codes.hotp(secret, counter, digits=digits)
    try:
        sender = load_sender()
        with translation.override(language):
            sender.send(
                sender.get_receiver(user),
                code,
                user=user,
                expires_in=expires_in,
                site_name=site_name(host),
                host=host,
            )
    except Exception as error:  # noqa: BLE001 - the sender is the project's
        _log_failure(user, error, code)
    else:
        logger.info("code sent: user=%s", user.pk)


@sensitive_variables("code", "reason")
def _log_failure(user: AbstractBaseUser, error: Exception, code: str) -> None:
    """Log why a sender failed, on one line, without the traceback: its frames hold the code."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    reason = f"{type(error).__name__}: {error}".replace(code, "*" * len(code))
    logger.error(
        "code not sent: user=%s error=%r at %s:%s", user.pk, reason, place.filename, place.lineno
    )
