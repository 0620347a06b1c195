"""
Decide whether a code logs a user in.

The steps are, in this order: charge the attempt and read the state of the login in Redis, run one
SELECT, compare the code with every candidate if the budget of the account has room, ask the policy,
and consume the counter. A wrong guess is stored before the visitor gets an answer.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils import translation
from django.views.decorators.debug import sensitive_variables

from swap_user.conf import swap_user_settings
from swap_user.otp import audit, policies
from swap_user.otp.authenticators import recovery_codes
from swap_user.otp.authenticators.queries import AuthenticatorQuery
from swap_user.otp.availability import report_database_outage
from swap_user.otp.challenges import resync
from swap_user.otp.crypto import hotp
from swap_user.otp.delivery.despite_rollback import dispatch_despite_rollback
from swap_user.otp.delivery.events import after_wrong_guess
from swap_user.otp.store import keys
from swap_user.otp.store.budgets import YEAR
from swap_user.otp.throttling import guesses, weights, wrong_guesses
from swap_user.otp.throttling.guesses import Counted
from swap_user.otp.verification import consumption
from swap_user.otp.verification.candidates import (
    Candidate,
    candidates,
    check_made_up,
    choose,
    far_ahead,
)
from swap_user.otp.verification.completion import accept, ask_policy
from swap_user.otp.verification.login import Claim, Limited, Login, Refused, Wrong, begin
from swap_user.otp.verification.outcomes import Outcome
from swap_user.otp.visitors import known_browsers
from swap_user.otp.visitors.visitor import Visitor
from swap_user.signals import code_refused
from swap_user.users import lookup, usernames


@sensitive_variables("typed", "code", "recovery_code")
def verify(
    username: object,
    typed: object,
    visitor: Visitor,
    *,
    allowed: Callable[[Any], bool] = lookup.is_active,
    alone: bool = False,
) -> Outcome:
    """
    Check a code and return the outcome. A right code is consumed.

    Args:
        username: the username as typed.
        typed: the code as typed: a sent code, a code of an authenticator app or a recovery code.
        visitor: the visitor who makes the attempt.
        allowed: a function that returns whether a user may log in at all.
        alone: whether to refuse a code that does not complete the login, without consuming it.

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
    claim = Claim(name, account_key, visitor, allowed, alone)
    try:
        if not name:
            raise Refused("malformed")
        with report_database_outage():
            if code:
                return _verify_code(claim, code)
            return _verify_recovery_code(claim, recovery_code or "")
    except Limited as limited:
        return Outcome(None, account_key, limited=limited.limit)
    except Refused as refused:
        audit.record(logging.WARNING, "code refused", account=account_key, reason=refused)
        code_refused.send_robust(
            None, account=account_key, reason=str(refused), request=visitor.request
        )
        return Outcome(None, account_key)


@sensitive_variables("typed")
def can_be_code(typed: object) -> bool:
    """Return whether a text has the form of a code. If not, verify() refuses it at no cost."""
    return bool(hotp.normalize(typed) or recovery_codes.normalize(typed))


@sensitive_variables("code", "check")
def _verify_code(claim: Claim, code: str) -> Outcome:
    """Check a sent code or a code of an authenticator app."""
    check = _Check.begin(claim, code, is_known=bool(claim.browser))
    if check.login.attempt.is_known and not check.may_compare:
        # The owner has revoked this browser, or known browsers have no guess left. It takes its
        # place among the strangers before anything is compared: a thousand copies of a cookie must
        # not be a thousand first guesses.
        check = _Check.begin(claim, code, is_known=False)
    try:
        return _accept_match(check, code)
    except Refused as refused:
        if not check.is_long:
            _store_wrong_guess(check, is_wrong=isinstance(refused, Wrong))
        raise


@dataclass(frozen=True)
class _Check:
    """
    A code, and what it is compared with.

    Attributes:
        login: the attempt.
        is_long: whether the code has ten digits.
        query: the SELECT.
        authenticators: the authenticators of the account, empty for an unknown username.
        found: the codes that are right now.
    """

    login: Login
    is_long: bool
    query: AuthenticatorQuery
    authenticators: Sequence[Any]
    found: Sequence[Candidate]

    @classmethod
    @sensitive_variables("code", "found")
    def begin(cls, claim: Claim, code: str, *, is_known: bool) -> "_Check":
        """Charge the attempt, and read what the code is compared with."""
        login = begin(claim, code, is_known=is_known)
        is_long = guesses.code_class(code) == "long"
        since = login.attempt.now - YEAR
        query = AuthenticatorQuery(claim.name, browser=claim.browser, since=since)
        rows = [each for each in query.run() if lookup.answers_to(each.user, claim.name)]
        digits = hotp.MAX_DIGITS if is_long else swap_user_settings.OTP_DIGITS
        found = candidates(rows, login.pending, sent_digits=digits, now=login.now)
        if is_long:  # only sent codes have a limit of their own
            found = [each for each in found if each.challenge is not None]
        return cls(login, is_long, query, rows, found)

    @cached_property
    def counted(self) -> Counted:
        """The wrong guesses of the account."""
        now = self.login.attempt.now
        if not self.authenticators:
            return wrong_guesses.committed(Counted(), None, now=now)
        row = self.authenticators[0]
        seen = Counted(row.stranger_units, row.known_units)
        return wrong_guesses.committed(seen, row.user.pk, now=now)

    @property
    def is_browser_known(self) -> bool:
        """Whether the user has logged in with this browser."""
        rows = self.authenticators
        return known_browsers.is_recent(rows[0].browser_seen_at if rows else None)

    @property
    def is_unused(self) -> bool:
        """Whether no login of the account is known. Ask before the code is consumed."""
        return all(
            each.consumed < 0 and getattr(each.user, "last_login", None) is None
            for each in self.authenticators
        )

    @cached_property
    def units(self) -> int:
        """The units of the guess, see ``weights.weigh()``."""
        return weights.weigh(
            each.expected for each in self.found if each.counter > each.authenticator.consumed
        )

    @cached_property
    def may_compare(self) -> bool:
        """Whether the code may be compared."""
        if self.is_long:
            return True
        attempt = self.login.attempt
        # Only other attempts in flight need it. It would take longer for users with apps (R33).
        most_units = weights.heaviest(self.authenticators) if attempt.position > 1 else 0
        has_room = attempt.has_room(self.counted, self.units, most_units)
        return has_room and (self.is_browser_known or not attempt.is_known)


@sensitive_variables("code", "compared", "match")
def _accept_match(check: _Check, code: str) -> Outcome:
    """Compare a code. Raise Refused if it logs no user in."""
    login, claim = check.login, check.login.claim
    # Without room, text is compared that no code is equal to, in the same time.
    compared = code if check.may_compare else "-" * len(code)
    match = choose(compared, check.found)
    if match is None:
        check_made_up(
            compared,
            check.authenticators,
            login.pending,
            query=check.query,
            username=claim.name,
            now=login.now,
        )
        if check.may_compare and (far := far_ahead(code, check.authenticators)):
            resync.remember(claim.account_key, far)
        if not check.authenticators:
            raise Refused("unknown")
        if not check.may_compare:
            raise Refused("no guess left")
        raise Wrong("wrong")
    user, factor = match.authenticator.user, match.authenticator.factor
    enrolled = any(each.factor == policies.AUTHENTICATOR for each in check.authenticators)
    missing = ask_policy(login, user, factor, enrolled=enrolled)
    is_first = check.is_unused
    if not consumption.consume(
        claim.account_key,
        match.authenticator,
        match.counter,
        challenge=match.challenge,
        attempt=login.attempt,
    ):
        raise Refused("used")
    shown = accept(login, user, factor, missing)
    return Outcome(user, claim.account_key, check.is_browser_known, shown=shown, is_first=is_first)


def _store_wrong_guess(check: _Check, *, is_wrong: bool) -> None:
    """
    Store a wrong guess, and run the job that may notify the owner.

    All refused short codes take the same steps, so that the time does not reveal the reason (R33).
    """
    login = check.login
    user_pk = check.authenticators[0].user.pk if is_wrong else None
    wrong_guesses.store(login.attempt, user_pk, check.units)
    language = translation.get_language()
    units = f"{check.units:05}"  # always as long, because the size of a queue may be seen
    dispatch_despite_rollback("", after_wrong_guess, login.claim.name, language, units)


@sensitive_variables("code", "match")
def _verify_recovery_code(claim: Claim, code: str) -> Outcome:
    """Check a recovery code. It can't be guessed, so it is charged to no budget."""
    login = begin(claim, None)
    found: Any = recovery_codes.rows_of(lookup.named(claim.name))
    rows = [row for row in found if lookup.answers_to(row.user, claim.name)]
    recovery_codes.build_missing_rows(len(rows))
    match: Any = recovery_codes.choose(code, rows)
    if match is None:
        raise Wrong("wrong")
    user = match.row.user
    missing = ask_policy(login, user, policies.RECOVERY, enrolled=match.row.enrolled)
    request = claim.visitor.request
    if not consumption.consume_recovery_code(claim.account_key, match, rows, request):
        raise Refused("used")
    is_known = bool(claim.browser) and known_browsers.is_known(claim.browser, user)
    shown = accept(login, user, policies.RECOVERY, missing)
    return Outcome(user, claim.account_key, is_known, shown=shown)
