"""
What a project's own views use.

The names are loaded when first used, so that a module of senders can be imported before Django
has loaded the models.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from swap_user.otp.authenticators.recovery_codes import generate_recovery_codes
    from swap_user.otp.delivery.request import asend_code, send_code
    from swap_user.otp.exceptions import (
        AnotherCodeNeeded,
        InvalidCode,
        LoginUnavailable,
        OTPError,
    )
    from swap_user.otp.verification.enrollment import enroll
    from swap_user.otp.verification.outcomes import limited, remember_browser
    from swap_user.otp.verification.verifier import note_password

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
    "asend_code": "delivery.request",
    "enroll": "verification.enrollment",
    "generate_recovery_codes": "authenticators.recovery_codes",
    "limited": "verification.outcomes",
    "note_password": "verification.verifier",
    "remember_browser": "verification.outcomes",
    "send_code": "delivery.request",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
