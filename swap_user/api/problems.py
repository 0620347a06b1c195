"""Errors as problem details (RFC 9457), each with a stable code."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

MEDIA_TYPE = "application/problem+json"

CODES: dict[str, tuple[HTTPStatus, str | Promise]] = {
    "malformed": (
        HTTPStatus.BAD_REQUEST,
        "The body is not a JSON object in UTF-8 of at most 16 KiB.",
    ),
    "apps_only": (
        HTTPStatus.BAD_REQUEST,
        'This site has no sessions of browsers. Send "client": "app", a flow or a session token.',
    ),
    "invalid": (HTTPStatus.BAD_REQUEST, "Some members of the body are not valid."),
    "invalid_code": (
        HTTPStatus.UNAUTHORIZED,
        _("That code did not work. Check it, ask for a new one, or use a recovery code."),
    ),
    "invalid_password": (
        HTTPStatus.UNAUTHORIZED,
        _(
            "That did not work: the name or the password is wrong, or the account may have no "
            "access here."
        ),
    ),
    "flow_ended": (
        HTTPStatus.UNAUTHORIZED,
        _("That took too long. Please begin again."),
    ),
    "not_authenticated": (
        HTTPStatus.UNAUTHORIZED,
        "There is no session, or it has ended.",
    ),
    "csrf_failed": (
        HTTPStatus.FORBIDDEN,
        "The header X-CSRFToken is missing or wrong, or the origin is not trusted.",
    ),
    "fresh_login_needed": (
        HTTPStatus.FORBIDDEN,
        _("To change how accounts log in, please log in once more: your login was a while ago."),
    ),
    "enrollment_needed": (
        HTTPStatus.FORBIDDEN,
        _("Your account needs an authenticator app. Please add one."),
    ),
    "not_found": (HTTPStatus.NOT_FOUND, "There is no such resource."),
    "method_not_allowed": (
        HTTPStatus.METHOD_NOT_ALLOWED,
        "The resource does not have this method.",
    ),
    "another_code_needed": (HTTPStatus.CONFLICT, _("Now enter another code.")),
    "authenticator_required": (
        HTTPStatus.CONFLICT,
        _(
            "Your account needs an authenticator app, and this is the only one. Add another one "
            "before you remove it."
        ),
    ),
    "too_many_authenticators": (
        HTTPStatus.CONFLICT,
        _("You have as many as one account may have. Remove one before you add another."),
    ),
    "logged_in": (HTTPStatus.CONFLICT, "A user is logged in, who has an account."),
    "nothing_to_confirm": (
        HTTPStatus.CONFLICT,
        _("That took too long. Please begin again."),
    ),
    "username_taken": (HTTPStatus.CONFLICT, _("Another account has this address.")),
    "unsupported_media_type": (
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "The body must be sent as application/json.",
    ),
    "limited": (
        HTTPStatus.TOO_MANY_REQUESTS,
        _("Too many wrong codes. Ask for a new one."),
    ),
    "unavailable": (
        HTTPStatus.SERVICE_UNAVAILABLE,
        _("This is not possible right now. Please try again in a minute."),
    ),
}
"""
The codes, each with the status and the default of ``detail``.

They are stable: a later version may add codes, but does not change what one of these means.
"""


class Problem(Exception):
    """
    An error that is the answer to a request.

    Args:
        code: one of ``CODES``.
        detail: a text for the user, in the language of the request. None for the default.
        status: the status, if it is not that of ``CODES``.
        headers: headers of the answer.
        members: more members of the answer.
    """

    def __init__(
        self,
        code: str,
        detail: str | None = None,
        *,
        status: HTTPStatus | None = None,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(code)
        usual, text = CODES[code]
        self.status = status or usual
        self.headers = dict(headers or {})
        if self.status == HTTPStatus.UNAUTHORIZED:
            self.headers["WWW-Authenticate"] = "Bearer"  # RFC 9110 section 15.5.2
        # Without "type", the title is the phrase of the status (RFC 9457 section 4.2.1).
        self.body = {
            "title": self.status.phrase,
            "status": int(self.status),
            "code": code,
            "detail": str(text) if detail is None else detail,
            **members,
        }


def wrong_code() -> Problem:
    """
    Return the problem of a code that confirms something, and is wrong.

    The user stays logged in, so the status is not the 401 of a login that failed.
    """
    text = _("That code did not work. Check it, or ask for a new one.")
    return Problem("invalid_code", str(text), status=HTTPStatus.BAD_REQUEST)


def invalid(errors: Mapping[str, Any], **members: Any) -> Problem:
    """
    Return the problem of a body whose members are not valid.

    Args:
        errors: texts for the user, by the names of the members.
        members: more members of the answer.
    """
    listed = [
        {"pointer": f"#/{name}", "detail": str(text)}
        for name, texts in errors.items()
        for text in ([texts] if isinstance(texts, str | Promise) else texts)
    ]
    return Problem("invalid", errors=listed, **members)
