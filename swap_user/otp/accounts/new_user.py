"""A new user, whose address was just confirmed by a code."""

import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models
from django.http import HttpRequest
from django.utils.module_loading import import_string

from swap_user.otp import audit, policies
from swap_user.otp.accounts import address_field, allauth_email
from swap_user.otp.accounts.own_change import mark_verified
from swap_user.otp.senders import email_address
from swap_user.otp.store import keys
from swap_user.otp.verification import outcomes
from swap_user.otp.verification.outcomes import Outcome
from swap_user.users import usernames
from swap_user.users.databases import atomic

_BACKEND = "swap_user.backends.OTPBackend"


def create(create_user: Callable[[str], Any], field: "models.Field[Any, Any]", address: str) -> Any:
    """
    Create a user, unless another one has the address.

    Args:
        create_user: a function that takes the address, and saves and returns the user.
        field: the result of ``address_field()``.
        address: the confirmed address, as ``clean()`` returned it.

    Returns:
        The user, or None if there is one with this address.

    Raises:
        ValidationError: the model does not accept the values.
        IntegrityError: there is such a user already.
    """
    try:
        user = _create(create_user, field, address)
    except (ValidationError, IntegrityError):
        if address_field.owner_of(field, address) is not None:  # created at the same moment
            return None
        raise
    if user is not None:
        audit.record(logging.INFO, "user signed up", user=user.pk)
    return user


def note_code(request: HttpRequest, user: Any) -> None:
    """Let the next ``login()`` of this request record that the user has shown a sent code."""
    shown = frozenset({policies.SENT})
    outcomes.note(request, Outcome(user, keys.account_key_of(user), shown=shown, is_first=True))


def may_log_in(user: Any) -> bool:
    """
    Return whether a sent code is all that the policy requires of a new user.

    Args:
        user: the user.
    """
    groups = policies.load_policy().groups(user, enrolled=False)
    return bool(groups) and not policies.missing(groups, frozenset({policies.SENT}))


def backend_path() -> str:
    """Return the path of the project's backend for codes, which may be a subclass of ours."""
    ours = import_string(_BACKEND)
    paths = settings.AUTHENTICATION_BACKENDS
    return next((path for path in paths if issubclass(import_string(path), ours)), _BACKEND)


def _create(
    create_user: Callable[[str], Any], field: "models.Field[Any, Any]", address: str
) -> Any:
    with atomic(get_user_model()):
        if address_field.owner_of(field, address) is not None:
            return None
        user = create_user(address)
        mark_verified(user)
        if email := email_address(user):
            # The form may also have asked for an email address that no code has confirmed.
            verified = usernames.normalize_email(email) == address
            allauth_email.replace(user, "", email, verified=verified)
        return user
