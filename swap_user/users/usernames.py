"""
Canonical usernames: every case and form of a username that a user types is the same username.

Normalizing Unicode is safe here (compare CVE-2019-19844). Only the canonical form is stored and
compared, so two texts with the same canonical form belong to the same account. Codes are sent to
the address in the database, never to the typed text. The canonical form is NFKC in lower case.
Some letters are equal in upper case or after case folding, but differ in lower case: a dotless i
and i, or a sharp s and ss. They stay different.
"""

import unicodedata
from typing import TYPE_CHECKING, Any, TypeGuard

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError

if TYPE_CHECKING:
    from django.db.models import Field

# Longer text is rejected before it is normalized, because NFKC of a huge text is slow.
MAX_TYPED_LENGTH = 1024


def normalize(username: object) -> str:
    """
    Return the canonical username for the active user model.

    Args:
        username: the username as typed. Values of any type are accepted.

    Returns:
        The username in the form in which the database stores it, or "" if the value can't be a
        username. The user may not exist. No exception is raised.
    """
    return canonical(get_user_model(), username)


def canonical(model: type[Any], username: object) -> str:
    """
    Return the canonical username for ``model``; see normalize().

    Args:
        model: a user model. Its ``normalize_username()`` defines the canonical form.
        username: the username as typed. Values of any type are accepted.
    """
    if not is_text(username):
        return ""
    field = username_field(model)
    try:
        name = model.normalize_username(username)
        value = field.to_python(name)
    except (TypeError, ValueError, ValidationError):
        return ""
    # A phone number field accepts any text; the resulting PhoneNumber may not be valid.
    if hasattr(value, "is_valid") and not value.is_valid():
        return ""
    max_length = field.max_length or MAX_TYPED_LENGTH
    return name if is_text(name) and len(name) <= max_length else ""


def username_field(model: type[Any]) -> "Field[Any, Any]":
    """Return the username field of a user model."""
    field: Field[Any, Any] = model._meta.get_field(model.USERNAME_FIELD)
    return field


def is_text(value: object) -> TypeGuard[str]:
    """Return whether ``value`` is a string that any database can store, of a sensible length."""
    if not isinstance(value, str) or len(value) > MAX_TYPED_LENGTH or "\x00" in value:
        return False  # PostgreSQL can't store NUL.
    try:
        value.encode()
    except UnicodeEncodeError:  # lone surrogate
        return False
    return True


def normalize_email(email: str) -> str:
    """
    Return an email address in the form in which it is stored: NFKC, stripped, lower case.

    The function is idempotent. A text that is too long for an address is returned unchanged.
    """
    if len(email) > MAX_TYPED_LENGTH:
        return email
    # In some scripts, lower() returns text that is not in NFKC, so it is normalized again.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", email).strip().lower())
