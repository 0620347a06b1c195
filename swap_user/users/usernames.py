"""
Canonical usernames: every case and form of a username that a user types is the same username.

The model's field decides what a username is. The canonical username is the text of the value that
the column stores, so limits, challenges and known browsers belong to that value, however it was
typed.

Normalizing Unicode is safe here (compare CVE-2019-19844). Only the canonical form is stored and
compared, so two texts with the same canonical form belong to the same account. Codes are sent to
the address in the database, never to the typed text. The canonical form of an email address is
NFKC in lower case, with the domain in ASCII. Some letters are equal in upper case or after case
folding, but differ in lower case: a dotless i and i, or a sharp s and ss. They stay different.
"""

import unicodedata
from typing import TYPE_CHECKING, Any, TypeGuard, cast
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import models

from swap_user.users.characters import ascii_domain, remove_invisible, unicode_domain

if TYPE_CHECKING:
    from django.db.models import Field

# Longer text is rejected before it is normalized, because NFKC of a huge text is slow.
MAX_TYPED_LENGTH = 1024

# Fields for whose values there is no text, or more than one, that a user could type.
_WITHOUT_ONE_TEXT = (
    models.BinaryField,
    models.BooleanField,
    models.DateField,
    models.DecimalField,
    models.DurationField,
    models.FileField,
    models.FloatField,
    models.JSONField,
    models.TimeField,
)

# What a model or a field raises for a value that it does not accept.
_REFUSALS = (TypeError, ValueError, OverflowError, ValidationError)


def normalize(username: object) -> str:
    """
    Return the canonical username for the active user model; see canonical().

    The stored username of the account may be spelled differently, if the database or the manager
    ignores case: see ``lookup.identify()``.
    """
    return canonical(get_user_model(), username)


def canonical(model: type[Any], username: object) -> str:
    """
    Return the canonical username for ``model``.

    Args:
        model: a user model. Its ``normalize_username()`` and its username field define the
            canonical form.
        username: the username as typed, or a value of the field such as a PhoneNumber. Values of
            any type are accepted.

    Returns:
        The text of the value that the column stores, or "" if the value can't be a username. The
        user may not exist. No exception is raised.
    """
    return next(iter(spellings(model, username)), "")


def spellings(model: type[Any], username: object) -> list[str]:
    """
    Return the forms in which the column may store a username. The first is the canonical one.

    There are several only if the model stores the domain of an email address, invisible characters
    or spaces around the name as they were typed. The number does not depend on the existing users.

    Args:
        model: a user model.
        username: the username as typed, or a value of the field.
    """
    field = username_field(model)
    if not isinstance(username, str):
        return _texts(model, field, [username]) if _is_value_of(field, username) else []
    if not is_text(username):
        return []
    typed = [remove_invisible(unicodedata.normalize("NFKC", username)).strip()]
    if isinstance(field, models.EmailField) and "@" in username:
        local, _, domain = typed[0].rpartition("@")
        if _has_several_forms(domain):
            typed += [f"{local}@{ascii_domain(domain)}", f"{local}@{unicode_domain(domain)}"]
    return _texts(model, field, [*typed, username])


def folded(model: type[Any], name: str, ignores_case: bool, ignores_accents: bool) -> str:
    """
    Return one name for all usernames that would belong to one user.

    Args:
        model: a user model.
        name: the canonical username. There is no such user.
        ignores_case: whether usernames are found in any case.
        ignores_accents: whether they are found with other accents.
    """
    field, text = username_field(model), name
    if isinstance(field, models.EmailField) and "@" in text:
        local, _, domain = text.rpartition("@")
        text = f"{local}@{ascii_domain(domain)}" if _has_several_forms(domain) else text
    if ignores_accents:
        text = "".join(
            each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each)
        )
    if ignores_case:
        text = text.lower()
    return next(iter(_texts(model, field, [text])), name)


def stored(user: Any) -> str:
    """
    Return the canonical username of a user.

    A stored username is accepted even if today's validators would refuse it.

    Args:
        user: a user, saved or not.

    Returns:
        The canonical username, or "" if the user has none.
    """
    field = username_field(user)
    value = field.value_from_object(user)
    if value is None:
        return ""
    try:
        return _text_of(field, value) or str(value)
    except _REFUSALS:
        return str(value)


def pretend(user: Any, name: str) -> None:
    """
    Read a username from a made-up user, as if it were stored.

    It takes as long as reading the username of a user who exists (R33).

    Args:
        user: an unsaved user.
        name: the canonical username.
    """
    setattr(user, username_field(user).attname, name)
    stored(user)


def validate(model: type[Any], name: str) -> None:
    """
    Run the validators of the username field.

    Args:
        model: a user model.
        name: the canonical username.

    Raises:
        ValidationError: the field would not accept this username for a new user.
    """
    field: Any = username_field(model)
    if not name:
        raise ValidationError(field.error_messages["blank"], code="blank")
    if not field.is_relation:
        field.run_validators(field.to_python(name))


def username_field(model: Any) -> "Field[Any, Any]":
    """Return the username field of a user model, or of a user."""
    field: Field[Any, Any] = model._meta.get_field(model.USERNAME_FIELD)
    return field


def can_be_typed(field: "Field[Any, Any]") -> bool:
    """Return whether each value of a username field has one text, which a user can type."""
    target = _target(field)
    return not isinstance(target, _WITHOUT_ONE_TEXT) and not target.many_to_many


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
    Return an email address in the form in which it is stored.

    That is NFKC, in lower case, without invisible characters and spaces around it, and with the
    domain in ASCII (UTS 46). The function is idempotent. A text that is too long for an address is
    returned unchanged.
    """
    if len(email) > MAX_TYPED_LENGTH:
        return email
    if email.isascii():
        return email.strip().lower()
    text = unicodedata.normalize("NFKC", remove_invisible(unicodedata.normalize("NFKC", email)))
    local, at, domain = text.strip().rpartition("@")
    # In some scripts, lower() returns text that is not in NFKC, so it is normalized again.
    local = unicodedata.normalize("NFKC", (local if at else domain).lower())
    return f"{local}@{ascii_domain(domain)}" if at else local


def _has_several_forms(domain: str) -> bool:
    """Return whether a domain has a form in ASCII and another one in Unicode."""
    return not domain.isascii() or "xn--" in domain.lower()


def _texts(model: type[Any], field: "Field[Any, Any]", values: list[Any]) -> list[str]:
    """Return the canonical forms of some values, without those that can't be usernames."""
    found: dict[str, None] = {}
    for value in values:
        try:
            text = _text_of(field, model.normalize_username(value))
        except _REFUSALS:
            continue
        if text and is_text(text) and len(text) <= _max_length(field):
            found[text] = None
    return list(found)


def _target(field: Any) -> Any:
    """Return the field that holds the value: for a relation, the field that it refers to."""
    while field.is_relation and not field.many_to_many:
        field = field.target_field
    return field


def _max_length(field: "Field[Any, Any]") -> int:
    # A UUIDField has a maximum length too: that of its column, without dashes.
    is_text_field = isinstance(field, models.CharField | models.TextField)
    return field.max_length if is_text_field and field.max_length else MAX_TYPED_LENGTH


def _text_of(field: "Field[Any, Any]", value: Any) -> str:
    """
    Return the text of a value of the username field, or "" if it has none.

    Raises:
        TypeError, ValueError, ValidationError: the field does not accept the value.
    """
    if isinstance(value, models.Model):
        # The related row of a relation, perhaps to another relation.
        value = getattr(value, cast("Any", field).target_field.attname)
    target = _target(field)
    value = target.to_python(value)
    if hasattr(value, "as_e164") and not value.is_valid():
        # A phone number that was valid once, or will be. The field would store it as it was typed.
        return str(value.as_e164 if value.country_code else value.raw_input or "")
    value = target.get_prep_value(value)
    return str(value) if isinstance(value, str | int | UUID) and not isinstance(value, bool) else ""


def _is_value_of(field: "Field[Any, Any]", value: object) -> bool:
    """Return whether a value that is not a string is of the type that the field returns."""
    if field.is_relation and isinstance(value, cast("Any", field).related_model):
        return True
    target = _target(field)
    try:
        return type(target.to_python(value)) is type(value) and value is not None
    except _REFUSALS:
        return False
