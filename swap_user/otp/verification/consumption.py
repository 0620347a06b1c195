"""
Single use: a code of any kind is consumed once, by the first of several requests.

A script in Redis consumes it in one atomic step, and one UPDATE stores this permanently in the
database. Each of the two would be enough. With both, a code is used only once even if Redis or the
database is restored from a backup.
"""

from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import Any

from django.db import models, router
from django.http import HttpRequest
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from swap_user.models import Authenticator, RecoveryCode
from swap_user.otp.authenticators import recovery_codes, updates
from swap_user.otp.authenticators.recovery_codes import Match
from swap_user.otp.authenticators.secrets import is_stale, reseal
from swap_user.otp.availability import DATABASE_ERRORS, is_conflict
from swap_user.otp.challenges.challenge import Challenge
from swap_user.otp.durable import statements
from swap_user.otp.durable.own_connection import Statement
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.throttling.guesses import Attempt
from swap_user.otp.verification import marks
from swap_user.otp.verification.marks import NO_ATTEMPT, Mark
from swap_user.signals import recovery_code_used

# The mark of a recovery code, which has no counter.
_USED = 1


def consume(
    account_key: str,
    authenticator: Authenticator,
    counter: int,
    *,
    challenge: Challenge | None = None,
    attempt: Attempt = NO_ATTEMPT,
) -> bool:
    """
    Consume ``counter`` and return whether it was unused (RFC 6238 section 5.2).

    Args:
        account_key: the account key, see ``keys.account_key()``.
        authenticator: the authenticator that the counter belongs to.
        counter: the counter of the right code.
        challenge: the challenge of a sent code; None for an authenticator app.
        attempt: the attempt. What it was charged is refunded (R18).

    Raises:
        LoginUnavailable: Redis or the database can't be reached.
        OperationalError: the transaction of the caller can't be committed; the counter is unused.
    """
    mark = marks.take(
        account_key,
        authenticator.pk.hex,
        counter,
        challenge=challenge,
        attempt=attempt,
    )
    return mark is not None and _save(authenticator, _raise(authenticator, counter, mark), mark)


def consume_recovery_code(
    account_key: str,
    match: Match,
    rows: Iterable[RecoveryCode],
    request: HttpRequest | None = None,
) -> bool:
    """
    Consume a recovery code and return whether it was unused.

    The signal ``recovery_code_used`` is sent, so that the owner is notified.

    Args:
        account_key: the account key, see ``keys.account_key()``.
        match: the recovery code.
        rows: the set that the recovery code is part of.
        request: the visitor's request, or None. It is an argument of the signal.

    Raises:
        LoginUnavailable: Redis or the database can't be reached.
        OperationalError: the transaction of the caller can't be committed; the code is unused.
    """
    row = match.row
    if row.used_at is not None:
        return False
    mark = marks.take(account_key, recovery_codes.mark_name(match), _USED)
    if mark is None or not _save(row, _use(match), mark):
        return False
    left = sum(each.used_at is None for each in rows) - 1
    recovery_code_used.send(RecoveryCode, user=row.user, remaining=left, request=request)
    return True


def _save(row: models.Model, update: Statement, mark: Mark) -> bool:
    """Run the UPDATE. If it fails, keep the mark, or remove it if the caller can try again."""
    try:
        alias = router.db_for_write(type(row), instance=row)
        return statements.run(alias, update, mark, updated=row)
    except DATABASE_ERRORS as error:
        if is_conflict(error):
            mark.give_back()
        else:
            with suppress(LoginUnavailable):
                mark.keep()
        raise


def _raise(authenticator: Authenticator, counter: int, mark: Mark) -> Statement:
    """
    Return the UPDATE that saves the counter of the mark if ``counter`` is unused.

    If the secret is not encrypted with the first key, the same UPDATE saves it encrypted again.
    """
    changes: dict[str, Any] = {"consumed": mark.counter, "last_used_at": timezone.now()}
    if is_stale(authenticator):
        reseal(authenticator)
        changes["secret"] = authenticator.secret
    return partial(updates.raise_mark, authenticator, counter, changes)


@sensitive_variables("match")
def _use(match: Match) -> Statement:
    """Return the UPDATE that saves a recovery code as used, encrypted with the first key."""
    changes: dict[str, Any] = {"used_at": timezone.now()}
    if recovery_codes.is_stale(match.row):
        changes["code"] = recovery_codes.seal(match.hashed, match.row.user_id)
    return partial(updates.use_recovery_code, match.row, changes)
