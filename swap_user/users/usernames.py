"""
Usernames are one identity, whatever their case or form.

Why folding Unicode is safe here (compare CVE-2019-19844): what is stored, compared and written to
is always the folded form itself, so two names that fold alike are one account, and its codes go
to the address in the database, never to the text that somebody typed. Folding is NFKC and lower
case, which keeps letters apart that upper case or case folding would merge: a dotless i stays
another letter than i, a sharp s another than ss.
"""

import unicodedata
from typing import TYPE_CHECKING, Any, TypeGuard

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError

if TYPE_CHECKING:
    from django.db.models import Field

# Nobody types a longer name. Beyond it text is refused unread: NFKC of a huge text takes long.
MAX_TYPED_LENGTH = 1024


def normalize(username: object) -> str:
    """
    Return the canonical username for the active user model.

    Args:
        username: as somebody typed it, or anything else.

    Returns:
        The name under which the database knows the account, if there is one; "" for what can't
        be a username. Never raises.
    """
    return canonical(get_user_model(), username)


def canonical(model: type[Any], username: object) -> str:
    """
    Return the canonical username for ``model``, "" for what can't be one; see normalize().

    Args:
        model: a user model; its ``normalize_username`` decides the form.
        username: as somebody typed it, or anything else.
    """
    if not is_text(username):
        return ""
    field = username_field(model)
    try:
        name = model.normalize_username(username)
        value = field.to_python(name)
    except (TypeError, ValueError, ValidationError):
        return ""
    # A phone number field makes an object of any text, and the object knows whether it is one.
    if hasattr(value, "is_valid") and not value.is_valid():
        return ""
    max_length = field.max_length or MAX_TYPED_LENGTH
    return name if is_text(name) and len(name) <= max_length else ""


def username_field(model: type[Any]) -> "Field[Any, Any]":
    """Return the field of a user model that holds the username."""
    field: Field[Any, Any] = model._meta.get_field(model.USERNAME_FIELD)
    return field


def is_text(value: object) -> TypeGuard[str]:
    """Return whether ``value`` is a string that every database takes, and not a huge one."""
    if not isinstance(value, str) or len(value) > MAX_TYPED_LENGTH or "\x00" in value:
        return False  # PostgreSQL takes no NUL.
    try:
        value.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return False
    return True


def normalize_email(email: str) -> str:
    """
    Return an email address in the one form in which it is stored: NFKC, stripped, lower case.

    Applying it twice changes nothing more. What is far too long for an address stays as it is.
    """
    if len(email) > MAX_TYPED_LENGTH:
        return email
    # Lower case can leave NFKC in rare scripts, hence the second round.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", email).strip().lower())
