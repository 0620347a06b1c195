"""The body of a request: a JSON object with texts."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, QueryDict, UnreadablePostError
from django.http.request import RawPostDataException
from django.views.decorators.debug import sensitive_variables

from swap_user.api.problems import Problem, invalid
from swap_user.otp.masked import Masked

# In bytes.
MAX_LENGTH = 16_384

# How deep lists and objects can be nested.
_MAX_DEPTH = 20

REQUIRED = "This member is required."


@dataclass(frozen=True, slots=True)
class Member:
    """
    A member of the body. Its value is a text, or an object with the fields of a form.

    Attributes:
        name: the name of the member.
        description: what it is, for the description of the API.
        required: whether it must be in the body.
        choices: the allowed values, or none for any text.
        max_length: the largest number of characters.
        secret: whether no traceback may show it.
        is_form: whether the value is an object: each field is a text, a number, true, false or a
            list of texts.
    """

    name: str
    description: str
    required: bool = True
    choices: Collection[str] = ()
    max_length: int = 1000
    secret: bool = False
    is_form: bool = False

    def optional(self) -> "Member":
        """Return the member as one that can be missing."""
        return replace(self, required=False)

    def mandatory(self) -> "Member":
        """Return the member as one that must be in the body."""
        return replace(self, required=True)


@sensitive_variables()
def read(request: HttpRequest, members: Collection[Member]) -> dict[str, Any]:
    """
    Return the members in the body of a request. Those that the API does not know are ignored.

    Args:
        request: the request.
        members: the members that the body can have.

    Raises:
        Problem: the body is no JSON object, or one of its members is not valid.
    """
    if not members:
        return {}
    raw = _raw(request)
    if not raw and not any(each.required for each in members):
        return {}
    # No page of another site can send this type without asking first (CORS).
    if raw and request.content_type != "application/json":
        raise Problem("unsupported_media_type")
    data = _parse(raw)
    texts: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for member in members:
        value = data.get(member.name)
        if value is None:
            if member.required:
                errors[member.name] = REQUIRED
        elif error := _error_of(value, member):
            errors[member.name] = error
        else:
            texts[member.name] = Masked(value) if member.secret else value
    if errors:
        raise invalid(errors)
    return texts


def _error_of(value: object, member: Member) -> str:
    """Return what is wrong with a value, or ""."""
    if member.is_form:
        return "" if _is_form(value) else "This must be an object of texts, numbers and lists."
    if not isinstance(value, str):
        return "This must be a text."
    if len(value) > member.max_length:
        return f"This must have at most {member.max_length} characters."
    if member.choices and value not in member.choices:
        return f"This must be one of: {', '.join(member.choices)}."
    return ""


def _is_form(value: object) -> bool:
    """Return whether a value has the fields of a form."""
    return isinstance(value, dict) and all(
        isinstance(each, str | bool | int | float)
        or (isinstance(each, list) and all(isinstance(item, str) for item in each))
        for each in value.values()
    )


def _is_deep(data: object) -> bool:
    """Return whether lists and objects are nested deeper than any body that means something."""
    level = [data]
    for _ in range(_MAX_DEPTH):
        level = [
            item
            for each in level
            if isinstance(each, dict | list)
            for item in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return False
    return True


def form_data(fields: Mapping[str, Any]) -> QueryDict:
    """
    Return the fields of a form as a browser sends them.

    Args:
        fields: the value of a member with ``is_form``.
    """
    data = QueryDict(mutable=True)
    for name, value in fields.items():
        if value is True:
            data[name] = "on"
        elif isinstance(value, list):
            data.setlist(name, value)
        elif value is not False:  # browsers leave out a box that is not checked
            data[name] = str(value)
    return data


def _raw(request: HttpRequest) -> bytes:
    length = request.headers.get("Content-Length", "")
    if length.isascii() and length.isdigit() and int(length[:20]) > MAX_LENGTH:
        raise Problem("malformed")
    try:
        return request.body
    except (RequestDataTooBig, UnreadablePostError, RawPostDataException, ValueError):
        # ValueError: the length is no number, and the server has not refused it.
        raise Problem("malformed") from None


def _refuse(constant: str) -> None:
    """Refuse NaN and infinity, which Python accepts (RFC 8259 section 6)."""
    raise ValueError(constant)


@sensitive_variables()
def _parse(raw: bytes) -> Mapping[str, Any]:
    if len(raw) > MAX_LENGTH:
        raise Problem("malformed")
    try:
        # Python accepts UTF-16 and UTF-32 as well. RFC 8259 section 8.1 requires UTF-8.
        text = raw.decode()
        data = json.loads(text, parse_constant=_refuse)
        if _is_deep(data):  # how much of it json accepts depends on the version of Python
            raise ValueError(_MAX_DEPTH)
        # A lone surrogate can be escaped in JSON, but is no text.
        json.dumps(data, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise Problem("malformed") from None
    if not isinstance(data, dict):
        raise Problem("malformed")
    return data
