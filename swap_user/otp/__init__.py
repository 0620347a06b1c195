"""
What a project's own views use.

The names are loaded when first used, so that a module of senders can be imported before Django
has loaded the models.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from swap_user.otp.delivery import asend_code, send_code
    from swap_user.otp.enrollment import enroll
    from swap_user.otp.exceptions import (
        AnotherCodeNeeded,
        InvalidCode,
        LoginUnavailable,
        OTPError,
    )
    from swap_user.otp.outcomes import limited, remember_browser
    from swap_user.otp.recovery import generate_recovery_codes
    from swap_user.otp.verifier import note_password

__all__ = [
    "AnotherCodeNeeded",
    "InvalidCode",
    "LoginUnavailable",
    "OTPError",
    "asend_code",
    "enroll",
    "generate_recovery_codes",
    "limited",
    "note_password",
    "remember_browser",
    "send_code",
]

_HOMES = {
    "AnotherCodeNeeded": "exceptions",
    "InvalidCode": "exceptions",
    "LoginUnavailable": "exceptions",
    "OTPError": "exceptions",
    "asend_code": "delivery",
    "enroll": "enrollment",
    "generate_recovery_codes": "recovery",
    "limited": "outcomes",
    "note_password": "verifier",
    "remember_browser": "outcomes",
    "send_code": "delivery",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
