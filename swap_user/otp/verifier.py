"""
The one place that decides whether a code lets somebody in.

In this order: what waits in Redis, one SELECT, every candidate compared, the policy asked, the
counter consumed.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from swap_user import identity
from swap_user.models import Authenticator, RecoveryCode
from swap_user.otp import (
    accounts,
    codes,
    pending,
    policies,
    progress,
    recovery,
    replay,
    resync,
    statements,
    store,
)
from swap_user.otp import flow as flows
from swap_user.otp.candidates import candidates, choose, far_ahead
from swap_user.otp.exceptions import AnotherCodeNeeded
from swap_user.otp.pending import Pending

logger = logging.getLogger("swap_user.security")


class _Refused(Exception):
    """A code that lets nobody in, and why."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """Who tries, from which session, and what waits for them."""

    name: str
    account: str
    flow: str | None
    allowed: Callable[[Any], bool]
    now: float
    pending: Pending


@sensitive_variables("typed", "code", "recovery_code")
def verify(
    username: object,
    typed: object,
    flow: str | None,
    *,
    allowed: Callable[[Any], bool] = accounts.is_active,
) -> AbstractBaseUser | None:
    """
    Return the user whom this code lets in, or None; the code is used up then.

    Args:
        username: as somebody typed it.
        typed: the code as somebody typed it: a sent one, an authenticator's, a recovery code.
        flow: the session they sit in, as ``flow.current`` gives it.
        allowed: says whether a user may log in at all.

    Raises:
        AnotherCodeNeeded: the code was right and is used up, but the policy asks for one more.
        LoginUnavailable: Redis can't be reached.
    """
    name = identity.normalize(username)
    account = store.account_key(name)
    code, recovery_code = codes.normalize(typed), recovery.normalize(typed)
    try:
        if not name or not (code or recovery_code):
            raise _Refused("malformed")
        now = time.time()
        attempt = _Attempt(name, account, flow, allowed, now, pending.read(account, flow, now=now))
        if code:
            return _verify_code(attempt, code)
        return _verify_recovery_code(attempt, recovery_code or "")
    except _Refused as refused:
        # Why is for the log; the visitor is told nothing.
        logger.warning("code refused: account=%s reason=%s", account, refused)
        return None


def note_password(user: AbstractBaseUser, request: HttpRequest) -> None:
    """
    Count a password that was right as shown, where the policy asks for one besides a code.

    Args:
        user: whose password it was.
        request: the visitor's; it counts in this session only.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    account = store.account_key(identity.normalize(user.get_username()))
    progress.add(account, flows.begin(request) or "", policies.PASSWORD, user)


@sensitive_variables("code", "match")
def _verify_code(attempt: _Attempt, code: str) -> AbstractBaseUser:
    """Check a sent code or one of an authenticator."""
    authenticators = [
        each
        for each in statements.authenticators(attempt.name)
        if accounts.answers_to(each.user, attempt.name)
    ]
    match = choose(code, candidates(authenticators, attempt.pending, now=attempt.now))
    if match is None:
        if far := far_ahead(code, authenticators):
            resync.remember(attempt.account, far)
        raise _Refused("wrong" if authenticators else "unknown")
    return _settle(
        attempt,
        match.authenticator.user,
        match.authenticator.kind,
        enrolled=any(each.kind == policies.AUTHENTICATOR for each in authenticators),
        consume=lambda: replay.consume(
            attempt.account, match.authenticator, match.counter, match.challenge
        ),
    )


@sensitive_variables("code", "match")
def _verify_recovery_code(attempt: _Attempt, code: str) -> AbstractBaseUser:
    """Check a recovery code."""
    apps = Authenticator.objects.filter(user=OuterRef("user")).exclude(type=Authenticator.Type.SENT)
    rows: Any = (
        RecoveryCode.objects.select_related("user")
        .filter(user__in=accounts.named(attempt.name))
        .annotate(enrolled=Exists(apps))
    )
    rows = [row for row in rows if accounts.answers_to(row.user, attempt.name)]
    match: Any = recovery.choose(code, rows)
    if match is None:
        raise _Refused("wrong")
    return _settle(
        attempt,
        match.user,
        policies.RECOVERY,
        enrolled=match.enrolled,
        consume=lambda: recovery.consume(match, rows),
    )


def _settle(
    attempt: _Attempt,
    user: AbstractBaseUser,
    kind: str,
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
    if not any(kind in group for group in groups):
        raise _Refused(f"policy takes no {kind} code here")
    # The same kind a second time is right too, and brings nobody further.
    left = policies.missing(groups, progress.kinds(attempt.pending.shown, user) | {kind})
    if left and attempt.flow is None:
        raise _Refused("two codes need a session")
    if not consume():
        raise _Refused("used")
    logger.info("code accepted: user=%s factor=%s", user.pk, kind)
    if attempt.flow is not None and left:
        progress.add(attempt.account, attempt.flow, kind, user)
        raise AnotherCodeNeeded(left)
    if attempt.flow is not None and attempt.pending.shown:
        progress.forget(attempt.account, attempt.flow)
    return user
