"""
The way back after a change of address: the holder of the old address undoes it (R50).

If the account had another factor, the link alone is not enough. Factors that were added in the week
before the change, or after it, may be those of an intruder: they are removed. An intruder may also
have removed the owner's factors. Then the link is enough again, unless the session that made the
change had shown one of them.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, router
from django.http import HttpRequest
from django.utils import timezone

from swap_user.models import AddressChange, Authenticator, RecoveryCode
from swap_user.otp import audit, policies
from swap_user.otp.accounts import address_field
from swap_user.otp.authenticators.recovery_codes import remaining_recovery_codes
from swap_user.otp.authenticators.revocation import remove_authenticator
from swap_user.otp.authenticators.secrets import enrolled
from swap_user.otp.delivery import undo_link
from swap_user.otp.exceptions import AnotherCodeNeeded
from swap_user.otp.sessions.sessions import end_sessions
from swap_user.otp.throttling.guesses import ReachedLimit
from swap_user.otp.verification import verifier
from swap_user.otp.visitors.visitor import visitor
from swap_user.users import usernames
from swap_user.users.databases import atomic, written

_WEEK = timedelta(seconds=undo_link.MAX_AGE)


def find(token: str) -> AddressChange | None:
    """
    Return the change that a link undoes, or None if the link does not work or is too old.

    Args:
        token: the token in the link.
    """
    pk = undo_link.read(token)
    if pk is None:
        return None
    rows = written(AddressChange).filter(pk=pk, changed_at__gt=timezone.now() - _WEEK)
    change = rows.select_related("user").first()
    return change if change is not None and undo_link.fits(token, change) else None


def asks_factor(change: AddressChange) -> bool:
    """
    Return whether a change is undone only with a code of another factor.

    Args:
        change: the change.
    """
    if not change.needs_code or change.with_factor:
        return change.needs_code
    field = address_field.address_field(change.user)
    # A number may have a new holder, so the link alone is never enough there.
    is_number = field is None or address_field.is_phone(field)
    return is_number or has_settled_factor(change.user, change.changed_at)


def has_factor(change: AddressChange) -> bool:
    """
    Return whether the account has a factor whose code ``confirm_factor()`` can accept.

    If ``asks_factor()`` is true and all factors were removed since, the change can't be undone by
    its link: a phone number may have a new holder, or the owner has made the change.

    Args:
        change: the change.
    """
    user = change.user
    return enrolled(user).exists() or remaining_recovery_codes(user) > 0


def confirm_factor(request: HttpRequest, change: AddressChange, typed: object) -> Any:
    """
    Check a code of the owner's app, or a recovery code. Sent codes go to the new address.

    Args:
        request: the visitor's request.
        change: the change.
        typed: the code as typed.

    Returns:
        Whether the code is right, or the limit because of which it was not checked.

    Raises:
        LoginUnavailable: Redis or the database can't be reached.
    """
    name = usernames.stored(change.user)
    try:
        outcome = verifier.verify(name, typed, visitor(request, begin=True), allowed=lambda _: True)
    except AnotherCodeNeeded as needed:
        return not any(group <= policies.NOT_SENT for group in needed.missing)
    if outcome.limited:
        limit: ReachedLimit = outcome.limited
        return limit
    is_right = outcome.user is not None and outcome.user.pk == change.user_id
    return is_right and bool(outcome.shown & policies.NOT_SENT)


def undo(change: AddressChange) -> bool:
    """
    Give an account its former address again. All its sessions end.

    Args:
        change: the change.

    Returns:
        False if that is not possible any more: another account has the address now, or the address
        was changed again in another way.
    """
    field = address_field.address_field(change.user)
    if field is None:
        return False
    try:
        with atomic(get_user_model()):
            return _undo(change, field)
    except IntegrityError:
        return False


def prune() -> int:
    """Delete the changes that can't be undone any more, and return their number."""
    rows = written(AddressChange).filter(changed_at__lte=timezone.now() - _WEEK)
    deleted, _ = rows.delete()
    return deleted


def has_settled_factor(user: Any, now: datetime | None = None) -> bool:
    """
    Return whether a user has had an authenticator app or recovery codes for a week.

    Args:
        user: the user.
        now: the time, or None for now.
    """
    before = (now or timezone.now()) - _WEEK
    return (
        enrolled(user).filter(created_at__lt=before).exists()
        or written(RecoveryCode)
        .filter(user_id=user.pk, created_at__lt=before, used_at=None)
        .exists()
    )


def _undo(change: AddressChange, field: Any) -> bool:
    model: Any = get_user_model()
    users = model._base_manager.using(router.db_for_write(model)).select_for_update()
    user = users.get(pk=change.user_id)
    later = written(AddressChange).filter(user_id=user.pk, pk__gte=change.pk)
    present = address_field.stored_address(user, field)
    if not _leads_to(list(later.order_by("pk")), present):
        return False
    if address_field.is_unique(field) and address_field.owner_of(
        field, change.previous, other_than=user
    ):
        return False
    later.delete()
    _remove_young_factors(user, change.changed_at - _WEEK)
    if present == change.previous:  # changed back, so that saving it would end no session
        end_sessions(user)
    else:
        address_field.save_address(user, field, change.previous)
    audit.record(logging.WARNING, "address change undone", user=user.pk)
    return True


def _leads_to(changes: list[AddressChange], present: str) -> bool:
    """
    Return whether changes, oldest first, follow each other without a gap up to the present address.

    In a gap, somebody else has changed the address, such as staff.
    """
    after = [each.previous for each in changes[1:]]
    return bool(changes) and [each.current for each in changes] == [*after, present]


def _remove_young_factors(user: Any, since: datetime) -> None:
    young: Any = enrolled(user).filter(created_at__gte=since)
    for authenticator in young.exclude(type=Authenticator.Type.SENT):
        remove_authenticator(authenticator)
    written(RecoveryCode).filter(user_id=user.pk, created_at__gte=since).delete()
