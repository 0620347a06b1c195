"""
The public functions and exceptions.

Each name is imported when it is first used, so that Django can import ``swap_user.otp.senders``
and the other public modules before it loads the models.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from swap_user.otp.accounts.address_change import FreshLoginNeeded, own_address_change
    from swap_user.otp.accounts.own_change import address_verified_at
    from swap_user.otp.authenticators.recovery_codes import (
        generate_recovery_codes,
        remaining_recovery_codes,
    )
    from swap_user.otp.authenticators.revocation import remove_authenticator
    from swap_user.otp.authenticators.rotation import rotate_keys
    from swap_user.otp.delivery.request import asend_code, send_code
    from swap_user.otp.exceptions import (
        AnotherCodeNeeded,
        InvalidCode,
        LoginUnavailable,
        OTPError,
        TooManyAuthenticators,
    )
    from swap_user.otp.pages.account.required import OTPRequiredMixin, otp_required
    from swap_user.otp.sessions.ending import end_session, sessions_of
    from swap_user.otp.sessions.proof import session_factors
    from swap_user.otp.sessions.reset import reset_user
    from swap_user.otp.sessions.sessions import end_sessions, is_fresh
    from swap_user.otp.verification.completion import note_password
    from swap_user.otp.verification.enrollment import Enrollment, enroll
    from swap_user.otp.verification.outcomes import aremember_browser, limited, remember_browser
    from swap_user.otp.visitors.wrapped import without_session

__all__ = [
    "AnotherCodeNeeded",
    "Enrollment",
    "FreshLoginNeeded",
    "InvalidCode",
    "LoginUnavailable",
    "OTPError",
    "OTPRequiredMixin",
    "TooManyAuthenticators",
    "address_verified_at",
    "aremember_browser",
    "asend_code",
    "end_session",
    "end_sessions",
    "enroll",
    "generate_recovery_codes",
    "is_fresh",
    "limited",
    "note_password",
    "otp_required",
    "own_address_change",
    "remaining_recovery_codes",
    "remember_browser",
    "remove_authenticator",
    "reset_user",
    "rotate_keys",
    "send_code",
    "session_factors",
    "sessions_of",
    "without_session",
]

_MODULES = {
    "AnotherCodeNeeded": "exceptions",
    "Enrollment": "verification.enrollment",
    "FreshLoginNeeded": "accounts.address_change",
    "InvalidCode": "exceptions",
    "LoginUnavailable": "exceptions",
    "OTPError": "exceptions",
    "OTPRequiredMixin": "pages.account.required",
    "TooManyAuthenticators": "exceptions",
    "address_verified_at": "accounts.own_change",
    "aremember_browser": "verification.outcomes",
    "asend_code": "delivery.request",
    "end_session": "sessions.ending",
    "end_sessions": "sessions.sessions",
    "enroll": "verification.enrollment",
    "generate_recovery_codes": "authenticators.recovery_codes",
    "is_fresh": "sessions.sessions",
    "limited": "verification.outcomes",
    "note_password": "verification.completion",
    "otp_required": "pages.account.required",
    "own_address_change": "accounts.address_change",
    "remaining_recovery_codes": "authenticators.recovery_codes",
    "remember_browser": "verification.outcomes",
    "remove_authenticator": "authenticators.revocation",
    "reset_user": "sessions.reset",
    "rotate_keys": "authenticators.rotation",
    "send_code": "delivery.request",
    "session_factors": "sessions.proof",
    "sessions_of": "sessions.ending",
    "without_session": "visitors.wrapped",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
