"""The schemas of the answers (JSON Schema 2020-12, as in OpenAPI 3.1)."""

from typing import Any

from swap_user.api.problems import CODES
from swap_user.models import Authenticator

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_TIME: Schema = {"type": "string", "format": "date-time"}
_TIME_OR_NULL: Schema = {"type": ["string", "null"], "format": "date-time"}
_SECONDS: Schema = {"type": "integer", "minimum": 0}
_ID: Schema = {"type": "string", "format": "uuid"}
_FLAG: Schema = {"type": "boolean"}

_FACTORS = ["authenticator", "password", "recovery", "sent"]
_TYPES = [str(each) for each in (Authenticator.Type.TOTP, Authenticator.Type.HOTP)]

_MISSING: Schema = {
    "type": "array",
    "description": "Groups of factors. The user must still show one factor of each group.",
    "items": {"type": "array", "items": {"enum": _FACTORS}},
}
_FLOW = {**_TEXT, "description": "Only for an app: the flow of its next request."}
_CSRF_TOKEN = {**_TEXT, "description": "Only for a browser: the value of X-CSRFToken."}
_SESSION_TOKEN = {
    **_TEXT,
    "description": "Only for an app, if its session has got a new token: the former one has ended.",
}


def _object(members: Schema, *optional: str, **more: Any) -> Schema:
    required = [name for name in members if name not in optional]
    return {"type": "object", "properties": members, "required": required, **more}


def _list_of(name: str, schema: str) -> Schema:
    items = {"$ref": f"#/components/schemas/{schema}"}
    return _object({name: {"type": "array", "items": items}})


_AUTHENTICATOR: Schema = {
    "id": _ID,
    "type": {"enum": _TYPES},
    "name": _TEXT,
    "created_at": _TIME,
    "last_used_at": _TIME_OR_NULL,
    "session_token": _SESSION_TOKEN,
}

SCHEMAS: dict[str, Schema] = {
    "Asked": _object(
        {
            "expires_in": {**_SECONDS, "description": "How long the code lives, in seconds."},
            "resend_in": {**_SECONDS, "description": "When another code is sent, in seconds."},
            "channels": {
                "type": "object",
                "description": "How a code can be sent, if there is a choice: names and labels.",
                "additionalProperties": _TEXT,
            },
            "flow": _FLOW,
        },
        *("channels", "flow"),
    ),
    "Session": _object(
        {
            "user": _object({"id": _TEXT, "username": _TEXT}),
            "factors": {
                "type": "object",
                "description": "The factors that this session has shown, each with its time.",
                "propertyNames": {"enum": _FACTORS},
                "additionalProperties": _TIME,
            },
            "is_fresh": {
                **_FLAG,
                "description": "Whether the login is recent enough to change how the user logs in.",
            },
            "must_enroll_at": {
                **_TIME_OR_NULL,
                "description": "From when on the user needs an authenticator app, or null.",
            },
            "session_token": _SESSION_TOKEN,
            "known_browser": {
                **_TEXT,
                "description": "Only for an app, after a login: it sends this at its next login.",
            },
            "recovery_codes_left": {
                **_SECONDS,
                "description": "After a login with a recovery code: how many are left.",
            },
            "csrf_token": _CSRF_TOKEN,
        },
        *("session_token", "known_browser", "recovery_codes_left", "csrf_token"),
    ),
    "SignedUp": _object(
        {
            "may_log_in": {
                **_FLAG,
                "description": "Whether the user can log in now. If not, staff must activate them.",
            }
        }
    ),
    "Rotated": _object(
        {
            "rotated": {"const": True},
            "session_token": _SESSION_TOKEN,
            "csrf_token": _CSRF_TOKEN,
        },
        *("session_token", "csrf_token"),
    ),
    "SessionToken": _object({"session_token": _SESSION_TOKEN}),
    "LoginSession": _object(
        {
            "id": _ID,
            "client": {"enum": ["app", "browser"]},
            "name": {**_TEXT, "description": "The names of the browser and the system, or empty."},
            "network": _TEXT,
            "logged_in_at": _TIME,
            "last_seen_at": _TIME,
            "is_current": _FLAG,
        }
    ),
    "Sessions": _list_of("sessions", "LoginSession"),
    "Authenticator": _object(_AUTHENTICATOR, "session_token"),
    "Authenticators": _list_of("authenticators", "Authenticator"),
    "Enrollment": _object(
        {
            "id": _ID,
            "type": {"enum": _TYPES},
            "name": _TEXT,
            "secret": {**_TEXT, "description": "In base32, for users who can't scan the QR code."},
            "provisioning_uri": _TEXT,
            "qr_svg": {**_TEXT, "description": "An SVG element."},
            "expires_at": _TIME,
        }
    ),
    "RecoveryCodesLeft": _object({"left": _SECONDS}),
    "RecoveryCodes": _object(
        {"codes": {"type": "array", "items": _TEXT}, "session_token": _SESSION_TOKEN},
        "session_token",
    ),
    "Problem": _object(
        {
            "title": _TEXT,
            "status": {"type": "integer"},
            "code": {"enum": [*CODES]},
            "detail": {**_TEXT, "description": "A text for the user, in the user's language."},
            "errors": {
                "type": "array",
                "items": _object({"pointer": _TEXT, "detail": _TEXT}),
                "description": "What is wrong with the members of the body (RFC 6901 pointers).",
            },
            "missing": _MISSING,
            "longer": {
                **_FLAG,
                "description": "Whether a longer sent code or a recovery code is checked now.",
            },
            "flow": _FLOW,
            "csrf_token": _CSRF_TOKEN,
            "session_token": _SESSION_TOKEN,
        },
        *("errors", "missing", "longer", "flow", "csrf_token", "session_token"),
    ),
}
