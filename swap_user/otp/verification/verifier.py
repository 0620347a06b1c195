"""
Decide whether a code logs a user in.

The steps are, in this order: charge the attempt and read the state of the login in Redis, run one
SELECT, compare the code with every candidate, ask the policy, and consume the counter.
"""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.utils import translation
from django.views.decorators.debug import sensitive_variables

from swap_user.models import Authenticator
from swap_user.otp import audit, policies
from swap_user.otp.authenticators import recovery_codes
from swap_user.otp.authenticators.queries import AuthenticatorQuery
from swap_user.otp.availability import report_database_outage
from swap_user.otp.challenges import challenge, factors_shown, resync
from swap_user.otp.challenges.login_state import Pending
from swap_user.otp.crypto import hotp
from swap_user.otp.delivery.despite_rollback import dispatch_despite_rollback
from swap_user.otp.delivery.notices import notify_guesses_exhausted
from swap_user.otp.exceptions import AnotherCodeNeeded
from swap_user.otp.policies import Groups
from swap_user.otp.store import keys
from swap_user.otp.throttling import budgets, guesses, sends
from swap_user.otp.throttling.guesses import Charge, ReachedLimit
from swap_user.otp.verification import consumption
from swap_user.otp.verification.candidates import (
    Candidate,
    candidates,
    check_made_up,
    choose,
    far_ahead,
)
from swap_user.otp.visitors import flow, known_browsers
from swap_user.otp.visitors.visitor import Visitor
from swap_user.users import lookup, usernames

# A user who has logged in, and the factors of the login.
_Accepted = tuple[AbstractBaseUser, frozenset[str]]


class _Refused(Exception):
    """The attempt is refused. The reason is logged. The visitor does not see it."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """
    One attempt to log in.

    Attributes:
        name: the canonical username.
        account_key: the account key, see ``keys.account_key()``.
        visitor: the visitor who makes the attempt.
        allowed: a function that returns whether a user may log in at all.
        now: Unix time in seconds.
        charge: the charge of the attempt.
        pending: the state of the login in Redis.
    """

    name: str
    account_key: str
    visitor: Visitor
    allowed: Callable[[Any], bool]
    now: float
    charge: Charge
    pending: Pending

    @property
    def flow(self) -> str | None:
        return self.visitor.flow

    @property
    def asked_key(self) -> str:
        return sends.asked_key(self.account_key, self.visitor.address or "")


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    The result of an attempt.

    Attributes:
        user: the user whom the code logs in, or None.
        account_key: the account key.
        known: whether this browser has logged in to the account before.
        limited: the limit because of which the code was not checked, or None.
        shown: the factors that the user has shown in this login: that of the code, and those of
            its earlier steps. Empty if the code was refused.
    """

    user: AbstractBaseUser | None
    account_key: str
    known: bool = False
    limited: ReachedLimit | None = None
    shown: frozenset[str] = frozenset()


@sensitive_variables("typed", "code", "recovery_code")
def verify(
    username: object,
    typed: object,
    visitor: Visitor,
    *,
    allowed: Callable[[Any], bool] = lookup.is_active,
) -> Outcome:
    """
    Check a code and return the outcome. A right code is consumed.

    Args:
        username: the username as typed.
        typed: the code as typed: a sent code, a code of an authenticator app or a recovery code.
        visitor: the visitor who makes the attempt.
        allowed: a function that returns whether a user may log in at all.

    Raises:
        AnotherCodeNeeded: the code is right and consumed, but the policy requires another factor.
        LoginUnavailable: Redis or the database can't be reached.
        OperationalError: the transaction of the caller is in conflict with another one.
    """
    code, recovery_code = hotp.normalize(typed), recovery_codes.normalize(typed)
    with report_database_outage():
        # What can't be a code costs no query.
        name = lookup.identify(username) if code or recovery_code else ""
    account_key = keys.account_key(name or usernames.normalize(username))
    known = False
    try:
        if not name:
            raise _Refused("malformed")
        now = time.time()
        charged = guesses.charge(account_key, code, visitor, now=now)
        if isinstance(charged, ReachedLimit):
            return Outcome(None, account_key, limited=charged)
        attempt = _Attempt(name, account_key, visitor, allowed, now, *charged)
        known = attempt.charge.known
        with report_database_outage():
            if code:
                user, shown = _verify_code(attempt, code)
            else:
                user, shown = _verify_recovery_code(attempt, recovery_code or "")
        return Outcome(user, account_key, known, shown=shown)
    except _Refused as refused:
        audit.record(logging.WARNING, "code refused", account=account_key, reason=refused)
        return Outcome(None, account_key, known)


def note_password(user: AbstractBaseUser, request: HttpRequest) -> None:
    """
    Record that the password was right, for a policy that requires a password and a code.

    The session gets a new key.

    Args:
        user: the user whose password was right.
        request: the visitor's request. The password counts as a factor only in its session. If it
            has no session, nothing is recorded.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    account_key = keys.account_key_of(user)
    begun, next_flow = flow.begin(request), flow.new_id()
    if begun is not None:
        _show_factor(account_key, policies.PASSWORD, user, begun, next_flow)
        flow.renew(request, next_flow)


def _show_factor(
    account_key: str, factor: str, user: AbstractBaseUser, old_flow: str, new_flow: str
) -> None:
    """Record a shown factor, and move the state of the login to the session's next flow."""
    # The tries are moved too. Otherwise a known password would refill them.
    by_flow = (challenge.challenge_key, factors_shown.shown_key, budgets.tries_key)
    moved = [key(account_key, flow) for key in by_flow for flow in (old_flow, new_flow)]
    factors_shown.add(account_key, new_flow, factor, user, moved=moved)


@sensitive_variables("code", "match")
def _verify_code(attempt: _Attempt, code: str) -> _Accepted:
    """Check a sent code or a code of an authenticator app, and return what ``_accept()`` does."""
    query = AuthenticatorQuery(attempt.name)
    authenticators = [each for each in query.run() if lookup.answers_to(each.user, attempt.name)]
    _refuse_browser_of_another_user(attempt, authenticators)
    found = candidates(authenticators, attempt.pending, now=attempt.now)
    # Charged before any code is compared, so that concurrent guesses are charged fully (R17).
    attempt = _charge_full_weight(attempt, found)
    match = choose(code, found)
    if match is None:
        check_made_up(
            code,
            authenticators,
            attempt.pending,
            query=query,
            username=attempt.name,
            now=attempt.now,
        )
        _after_wrong_code(attempt, code, authenticators)
        raise _Refused("wrong" if authenticators else "unknown")
    user, factor = match.authenticator.user, match.authenticator.factor
    enrolled = any(each.factor == policies.AUTHENTICATOR for each in authenticators)
    missing = _ask_policy(attempt, user, factor, enrolled=enrolled)
    if not consumption.consume(
        attempt.account_key,
        match.authenticator,
        match.counter,
        challenge=match.challenge,
        charge=attempt.charge,
        asked_key=attempt.asked_key,
    ):
        raise _Refused("used")
    return _accept(attempt, user, factor, missing)


@sensitive_variables("code", "match")
def _verify_recovery_code(attempt: _Attempt, code: str) -> _Accepted:
    """Check a recovery code, and return what ``_accept()`` does."""
    found: Any = recovery_codes.rows_of(lookup.named(attempt.name))
    rows = [row for row in found if lookup.answers_to(row.user, attempt.name)]
    recovery_codes.build_missing_rows(len(rows))
    match: Any = recovery_codes.choose(code, rows)
    if match is None:
        raise _Refused("wrong")
    user = match.row.user
    missing = _ask_policy(attempt, user, policies.RECOVERY, enrolled=match.row.enrolled)
    if not consumption.consume_recovery_code(attempt.account_key, match, rows):
        raise _Refused("used")
    return _accept(attempt, user, policies.RECOVERY, missing)


def _refuse_browser_of_another_user(
    attempt: _Attempt, authenticators: Iterable[Authenticator]
) -> None:
    """
    Refuse a browser that is known because another user had this username before.

    Then revoke all known browsers of the account, so that they count as unknown.
    """
    browser = attempt.visitor.browser
    if attempt.charge.known and browser is not None:
        for each in authenticators:
            if not browser.is_of(attempt.account_key, each.user):
                known_browsers.revoke(attempt.account_key)
                raise _Refused("browser of another account")


@sensitive_variables("found")
def _charge_full_weight(attempt: _Attempt, found: Iterable[Candidate]) -> _Attempt:
    """Charge the rest if the guess has a higher weight than was charged: more codes are right."""
    weight = budgets.weigh(
        each.expected for each in found if each.counter > each.authenticator.consumed
    )
    if weight <= attempt.charge.weight:
        return attempt
    charge = guesses.reweigh(attempt.account_key, attempt.charge, weight)
    if charge is None:
        raise _Refused("too many guesses at once")
    return replace(attempt, charge=charge)


@sensitive_variables("code", "far")
def _after_wrong_code(
    attempt: _Attempt, code: str, authenticators: Sequence[Authenticator]
) -> None:
    """Send the notice if guesses are spent, and store the counter of a code that is far ahead."""
    if attempt.charge.spent:
        # Unknown browsers have no guess left. The job runs even if there is no such account (R33).
        language = translation.get_language()
        dispatch_despite_rollback("", notify_guesses_exhausted, attempt.name, language)
    if far := far_ahead(code, authenticators):
        resync.remember(attempt.account_key, far)


def _ask_policy(
    attempt: _Attempt, user: AbstractBaseUser, factor: str, *, enrolled: bool
) -> Groups:
    """
    Return the groups of factors that are still missing after this one.

    Nothing is consumed yet, so a code that the policy does not accept can still be used.
    """
    if not attempt.allowed(user):
        raise _Refused("inactive")
    groups = policies.load_policy().groups(user, enrolled=enrolled)
    if not any(factor in group for group in groups):
        raise _Refused(f"policy accepts no {factor} code here")
    # A factor that was already shown is accepted again, but does not complete the login.
    shown = factors_shown.factors(attempt.pending.shown, user) | {factor}
    missing = policies.missing(groups, shown)
    if missing and attempt.flow is None:
        raise _Refused("two codes need a session")
    return missing


def _accept(attempt: _Attempt, user: AbstractBaseUser, factor: str, missing: Groups) -> _Accepted:
    """
    Log the accepted code, and return the user and the factors of the login if none is missing.

    Raises:
        AnotherCodeNeeded: a factor is missing. The shown factor is recorded for the session.
    """
    audit.record(logging.INFO, "code accepted", user=user.pk, factor=factor)
    shown = factors_shown.factors(attempt.pending.shown, user) | {factor}
    if attempt.flow is None:
        return user, shown
    if missing:
        next_flow = attempt.visitor.next_flow
        _show_factor(attempt.account_key, factor, user, attempt.flow, next_flow)
        raise AnotherCodeNeeded(missing)
    if attempt.pending.shown:
        factors_shown.forget(attempt.account_key, attempt.flow)
    return user, shown
