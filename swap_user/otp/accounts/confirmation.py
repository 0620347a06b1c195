"""
A code that confirms an address which the visitor's account does not have yet (R50).

It has no row in the database. Its secret is derived from SECRET_KEY, the address and the session,
and the rest is a challenge like that of a login: bound to the flow, with a few tries, used once.
"""

import logging
import time
from dataclasses import asdict

from django.http import HttpRequest
from django.utils import translation
from django.views.decorators.debug import sensitive_variables

from swap_user.conf import swap_user_settings
from swap_user.otp import audit
from swap_user.otp.accounts.address_claim import DIGITS, AddressClaim
from swap_user.otp.accounts.confirmation_job import ConfirmationJob, deliver_confirmation
from swap_user.otp.challenges import challenge
from swap_user.otp.crypto import hotp
from swap_user.otp.dispatchers import dispatch
from swap_user.otp.site_name import host_name
from swap_user.otp.store import keys, scripts
from swap_user.otp.throttling import guesses
from swap_user.otp.throttling import requests as throttling
from swap_user.otp.throttling.guesses import ReachedLimit
from swap_user.otp.visitors import flow
from swap_user.otp.visitors.visitor import visitor

# A resent message may bring a second code, see ``challenge.issue()``.
_MOST_PENDING = 2

_USE = scripts.Script("return redis.call('DEL', keys.codes)")
_KEEP = scripts.Script("return redis.call('SET', keys.confirmed, '1', 'EX', args.seconds)")
_TAKE = scripts.Script("return redis.call('DEL', keys.confirmed)")


def ask(request: HttpRequest, claim: AddressClaim) -> None:
    """
    Send a code to an address, or a message to its owner if an account has it already.

    The caller can't see which of them, nor whether anything is sent (R32, R33).

    Args:
        request: the visitor's request. The code works only in its session.
        claim: the address.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    who, now = visitor(request, begin=True), time.time()
    if throttling.charge(claim.key, who) is None:
        return
    job = ConfirmationJob(
        name=claim.name,
        purpose=claim.purpose,
        owner=claim.owner,
        flow=who.flow,
        counter=challenge.earliest(now),
        expires_at=now + swap_user_settings.OTP_TIMEOUT,
        host=host_name(request),
        language=translation.get_language(),
        network=who.origin.network,
        neighbourhood=who.origin.neighbourhood,
    )
    dispatch(deliver_confirmation, **asdict(job))


@sensitive_variables("typed", "code", "secret", "expected")
def confirm(request: HttpRequest, claim: AddressClaim, typed: object) -> bool | ReachedLimit:
    """
    Check a code. A right one is used.

    Args:
        request: the visitor's request.
        claim: the address that the code was requested for.
        typed: the code as typed.

    Returns:
        Whether the code was right, or the limit because of which it was not checked.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    code, who, now = hotp.normalize(typed), visitor(request), time.time()
    if code is None or who.flow is None:
        return False
    begun = guesses.begin_sent(claim.key, who, now=now)
    if isinstance(begun, ReachedLimit):
        return begun
    secret = claim.secret(who.flow)
    pending = begun[1].challenges
    # Where no code was sent, as to the address of an account, made-up ones take the time (R33).
    counters = [*(each.counter for each in pending), *range(_MOST_PENDING - len(pending))]
    expected = [hotp.code_at(secret, each, digits=DIGITS) for each in counters]
    # The script deletes the challenge once, so of two requests at the same time one is refused.
    is_match = any(hotp.matches(code, expected)[: len(pending)])
    is_right = is_match and bool(_USE({"codes": pending[0].key}))
    key, purpose = claim.key, claim.purpose
    if is_right:
        audit.record(logging.INFO, "address code accepted", account=key, purpose=purpose)
    else:
        audit.record(logging.WARNING, "address code refused", account=key, purpose=purpose)
    return is_right


def keep(request: HttpRequest, claim: AddressClaim) -> None:
    """
    Keep an address confirmed whose code was used without success, for OTP_TIMEOUT.

    Args:
        request: the visitor's request. The address counts as confirmed only in its session.
        claim: the address, which ``confirm()`` or ``take()`` has just returned True for.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    if named := _confirmed(request, claim):
        _KEEP(named, seconds=swap_user_settings.OTP_TIMEOUT)


def take(request: HttpRequest, claim: AddressClaim) -> bool:
    """
    Use up a confirmation that was kept, and return whether there was one.

    Of two requests at the same time, or of two copies of a session, one gets it.

    Args:
        request: the visitor's request.
        claim: the address.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    named = _confirmed(request, claim)
    return bool(named and _TAKE(named))


def _confirmed(request: HttpRequest, claim: AddressClaim) -> dict[str, str]:
    """Return the Redis key of a confirmation, or nothing if the request has no flow."""
    current = flow.current(request)
    return {"confirmed": keys.redis_key(claim.key, "confirmed", current)} if current else {}
