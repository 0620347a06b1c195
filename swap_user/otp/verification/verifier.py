"""
The one place that decides whether a code lets somebody in.

In this order: the attempt charged and what waits read in Redis, one SELECT, every candidate
compared, the policy asked, the counter consumed.
"""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.utils import translation
from django.views.decorators.debug import sensitive_variables

from swap_user.models import Authenticator, RecoveryCode
from swap_user.otp import audit, policies
from swap_user.otp.authenticators import queries, recovery_codes
from swap_user.otp.challenges import factors_shown, resync
from swap_user.otp.challenges.login_state import Pending
from swap_user.otp.crypto import hotp
from swap_user.otp.delivery.notices import tell_exhausted
from swap_user.otp.dispatchers import dispatch
from swap_user.otp.exceptions import AnotherCodeNeeded
from swap_user.otp.pages.login import unavailable
from swap_user.otp.store import keys
from swap_user.otp.throttling import budgets, guesses, sends
from swap_user.otp.throttling.guesses import Charge, ReachedLimit
from swap_user.otp.verification import consumption
from swap_user.otp.verification.candidates import (
    Candidate,
    candidates,
    choose,
    compute_missing,
    far_ahead,
)
from swap_user.otp.verification.consumption import Aftermath
from swap_user.otp.visitors import flow as flows
from swap_user.otp.visitors import known_browsers
from swap_user.otp.visitors.visitor import Visitor
from swap_user.users import lookup, usernames


class _Refused(Exception):
    """A code that lets nobody in, and why."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """Who tries, what it was charged, and what waits for them."""

    name: str
    account_key: str
    visitor: Visitor
    allowed: Callable[[Any], bool]
    now: float
    paid: Charge
    pending: Pending

    @property
    def flow(self) -> str | None:
        return self.visitor.flow

    def aftermath(self) -> Aftermath:
        """Return what a right code changes besides its own end."""
        asked = sends.asked_key(self.account_key, self.visitor.address or "")
        return Aftermath(self.paid, asked)

    def heavier(self, found: Iterable[Candidate]) -> int:
        """Return what a guess weighs if that is more than was known, else 0."""
        weight = budgets.weigh(
            each.expected for each in found if each.counter > each.authenticator.consumed
        )
        return weight if weight > self.paid.weight else 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What became of an attempt.

    Args:
        user: whom the code lets in, or None.
        account: the keyed hash of the name that was typed.
        known: whether the browser has logged in to this account before.
        limited: set if the code was not looked at.
    """

    user: AbstractBaseUser | None
    account_key: str
    known: bool = False
    limited: ReachedLimit | None = None


@sensitive_variables("typed", "code", "recovery_code")
def verify(
    username: object,
    typed: object,
    visitor: Visitor,
    *,
    allowed: Callable[[Any], bool] = lookup.is_active,
) -> Outcome:
    """
    Return whom this code lets in, if anybody; the code is used up then.

    Args:
        username: as somebody typed it.
        typed: the code as somebody typed it: a sent one, an authenticator's, a recovery code.
        visitor: who tries.
        allowed: says whether a user may log in at all.

    Raises:
        AnotherCodeNeeded: the code was right and is used up, but the policy asks for one more.
        LoginUnavailable: Redis can't be reached.
    """
    name = usernames.normalize(username)
    account_key = keys.account_key(name)
    code, recovery_code = hotp.normalize(typed), recovery_codes.normalize(typed)
    known = False
    try:
        if not name or not (code or recovery_code):
            raise _Refused("malformed")
        now = time.time()
        charged = guesses.charge(account_key, code, visitor, now=now)
        if isinstance(charged, ReachedLimit):
            return Outcome(None, account_key, limited=charged)
        attempt = _Attempt(name, account_key, visitor, allowed, now, *charged)
        known = attempt.paid.known
        with unavailable.reported():
            if code:
                user = _verify_code(attempt, code)
            else:
                user = _verify_recovery_code(attempt, recovery_code or "")
        return Outcome(user, account_key, known)
    except _Refused as refused:
        # Why is for the log; the visitor is told nothing.
        audit.record(logging.WARNING, "code refused", account=account_key, reason=refused)
        return Outcome(None, account_key, known)


def note_password(user: AbstractBaseUser, request: HttpRequest) -> None:
    """
    Count a password that was right as shown, where the policy asks for one besides a code.

    Args:
        user: whose password it was.
        request: the visitor's; it counts in this session only.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    account_key = keys.account_key(usernames.normalize(user.get_username()))
    factors_shown.add(account_key, flows.begin(request) or "", policies.PASSWORD, user)


@sensitive_variables("code", "match")
def _verify_code(attempt: _Attempt, code: str) -> AbstractBaseUser:
    """Check a sent code or one of an authenticator."""
    authenticators = [
        each
        for each in queries.authenticators(attempt.name)
        if lookup.answers_to(each.user, attempt.name)
    ]
    _require_own_browser(attempt, authenticators)
    found = candidates(authenticators, attempt.pending, now=attempt.now)
    if weight := attempt.heavier(found):
        # Before anything is compared: of many at once, none may be looked at too cheaply (R17).
        paid = guesses.reweigh(attempt.account_key, attempt.paid, weight)
        if paid is None:
            raise _Refused("too many guesses at once")
        attempt = replace(attempt, paid=paid)
    match = choose(code, found)
    if match is None:
        compute_missing(len(authenticators), len(found))
        if attempt.paid.spent:
            # It was the last guess that strangers had; a job, whether or not there is an owner.
            dispatch(tell_exhausted, attempt.name, translation.get_language())
        if far := far_ahead(code, authenticators):
            resync.remember(attempt.account_key, far)
        raise _Refused("wrong" if authenticators else "unknown")
    return _settle(
        attempt,
        match.authenticator.user,
        match.authenticator.factor,
        enrolled=any(each.factor == policies.AUTHENTICATOR for each in authenticators),
        consume=lambda: consumption.consume(
            attempt.account_key,
            match.authenticator,
            match.counter,
            match.challenge,
            attempt.aftermath(),
        ),
    )


def _require_own_browser(attempt: _Attempt, authenticators: Iterable[Authenticator]) -> None:
    """
    Refuse a browser that is known because somebody else once had this name.

    From then on it is a stranger's, and so is every other one that was known.
    """
    browser = attempt.visitor.browser
    if attempt.paid.known and browser is not None:
        for each in authenticators:
            if not browser.is_of(attempt.account_key, each.user):
                known_browsers.revoke(attempt.account_key)
                raise _Refused("browser of another account")


@sensitive_variables("code", "match")
def _verify_recovery_code(attempt: _Attempt, code: str) -> AbstractBaseUser:
    """Check a recovery code."""
    apps = Authenticator.objects.filter(user=OuterRef("user")).exclude(type=Authenticator.Type.SENT)
    rows: Any = (
        RecoveryCode.objects.select_related("user")
        .filter(user__in=lookup.named(attempt.name))
        .annotate(enrolled=Exists(apps))
    )
    rows = [row for row in rows if lookup.answers_to(row.user, attempt.name)]
    recovery_codes.build_missing_rows(len(rows))
    match: Any = recovery_codes.choose(code, rows)
    if match is None:
        raise _Refused("wrong")
    return _settle(
        attempt,
        match.user,
        policies.RECOVERY,
        enrolled=match.enrolled,
        consume=lambda: recovery_codes.consume(match, rows),
    )


def _settle(
    attempt: _Attempt,
    user: AbstractBaseUser,
    factor: str,
    *,
    enrolled: bool,
    consume: Callable[[], bool],
) -> AbstractBaseUser:
    """
    Use a right code up and let its user in, if the account and the policy allow it.

    What does not count is not used up.
    """
    if not attempt.allowed(user):
        raise _Refused("inactive")
    groups = policies.load_policy().groups(user, enrolled=enrolled)
    if not any(factor in group for group in groups):
        raise _Refused(f"policy takes no {factor} code here")
    # The same factor a second time is right too, and brings nobody further.
    left = policies.missing(groups, factors_shown.factors(attempt.pending.shown, user) | {factor})
    if left and attempt.flow is None:
        raise _Refused("two codes need a session")
    if not consume():
        raise _Refused("used")
    audit.record(logging.INFO, "code accepted", user=user.pk, factor=factor)
    if attempt.flow is not None and left:
        factors_shown.add(attempt.account_key, attempt.flow, factor, user)
        raise AnotherCodeNeeded(left)
    if attempt.flow is not None and attempt.pending.shown:
        factors_shown.forget(attempt.account_key, attempt.flow)
    return user
