"""A user changes the address that codes are sent to, after its code was confirmed (R50)."""

from datetime import datetime
from functools import partial
from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, models, router
from django.http import HttpRequest
from django.utils import timezone

from swap_user.models import AddressChange, Authenticator
from swap_user.otp import policies
from swap_user.otp.accounts import address_field
from swap_user.otp.accounts.address_change import own_address_change
from swap_user.otp.accounts.way_back import has_settled_factor
from swap_user.otp.authenticators.secrets import sent_authenticator
from swap_user.otp.durable.after_commit import after_commit
from swap_user.otp.sessions.proof import session_factors
from swap_user.users.databases import atomic, written


def change_own_address(request: HttpRequest, field: "models.Field[Any, Any]", address: str) -> bool:
    """
    Save a confirmed address of the user who is logged in.

    The session stays logged in, and all others end. The old address gets a notice with a link that
    undoes the change.

    Args:
        request: the user's request. The login must be recent.
        field: the result of ``address_field()``.
        address: the confirmed address, as ``clean()`` returned it.

    Returns:
        False if another account has the address. Nothing is changed then.

    Raises:
        FreshLoginNeeded: the login is not recent.
    """
    model: Any = get_user_model()
    alias = router.db_for_write(model)
    try:
        with atomic(model):
            users = model._base_manager.using(alias).select_for_update()
            user = users.get(pk=request.user.pk)
            previous = address_field.stored_address(user, field)
            if previous == address:
                return True
            if address_field.is_unique(field) and address_field.owner_of(
                field, address, other_than=user
            ):
                return False
            change = written(AddressChange).create(
                user_id=user.pk,
                previous=previous,
                current=address,
                needs_code=_needs_code(request, user, field),
                with_factor=bool(policies.NOT_SENT & session_factors(request).keys()),
            )
            with own_address_change(request, change=change):
                address_field.save_address(user, field, address)
            after_commit(partial(mark_verified, user), alias)
    except IntegrityError:
        return False
    return True


def mark_verified(user: Any) -> None:
    """Record that a code which was sent to the address of a user was confirmed."""
    authenticator, _secret = sent_authenticator(user)
    written(Authenticator).filter(pk=authenticator.pk).update(last_used_at=timezone.now())


def address_verified_at(user: Any) -> datetime | None:
    """
    Return when a code that was sent to the user's present address was last confirmed, or None.

    A login with a sent code confirms the address too. After a change of the address, the codes
    before it do not count.

    Args:
        user: the user.
    """
    rows = written(Authenticator).filter(pk=Authenticator.sent_id(user.pk))
    return rows.values_list("last_used_at", flat=True).first()


def _needs_code(request: HttpRequest, user: Any, field: "models.Field[Any, Any]") -> bool:
    """
    Return whether the link to the old address is not enough to undo the change.

    A phone number may have a new holder. If this session has shown no code that was sent to it, the
    user may not have it any more.
    """
    if has_settled_factor(user):
        return True
    return address_field.is_phone(field) and policies.SENT not in session_factors(request)
