"""What sessions record about logins, and the end of sessions."""

import warnings
from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    # In the alpha releases this was a module, whose documentation named these two functions.
    if name not in {"end_sessions", "is_fresh"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    text = f"{__name__}.{name} has moved to swap_user.otp.{name}."
    warnings.warn(text, DeprecationWarning, stacklevel=2)
    return getattr(import_module("swap_user.otp.sessions.sessions"), name)
