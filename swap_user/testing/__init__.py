"""
Helpers for a project's own tests: a sender that keeps messages in memory, logins, apps, and limits.

Each name is imported when it is first used, so that pytest can load ``swap_user.testing.plugin``
without Django. No other module of the package imports from here.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from swap_user.testing.authenticators import EnrolledAuthenticator, enroll_authenticator
    from swap_user.testing.cases import OTPTestMixin
    from swap_user.testing.deliveries import wait_for_deliveries
    from swap_user.testing.limits import reset_limits
    from swap_user.testing.logins import alog_in, log_in
    from swap_user.testing.messages import MemoryOTPSender, Outbox, SentCode, SentNotice, outbox

__all__ = [
    "EnrolledAuthenticator",
    "MemoryOTPSender",
    "OTPTestMixin",
    "Outbox",
    "SentCode",
    "SentNotice",
    "alog_in",
    "enroll_authenticator",
    "log_in",
    "outbox",
    "reset_limits",
    "wait_for_deliveries",
]

_MODULES = {
    "EnrolledAuthenticator": "authenticators",
    "MemoryOTPSender": "messages",
    "OTPTestMixin": "cases",
    "Outbox": "messages",
    "SentCode": "messages",
    "SentNotice": "messages",
    "alog_in": "logins",
    "enroll_authenticator": "authenticators",
    "log_in": "logins",
    "outbox": "messages",
    "reset_limits": "limits",
    "wait_for_deliveries": "deliveries",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
