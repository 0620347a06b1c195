"""What a session knows about a login."""

from typing import Any


def __getattr__(name: str) -> Any:
    # In the alpha this was a module, and its documentation named these two.
    if name in {"end_sessions", "is_fresh"}:
        import warnings  # noqa: PLC0415

        from swap_user import otp  # noqa: PLC0415

        text = f"{__name__}.{name} has moved to swap_user.otp.{name}."
        warnings.warn(text, DeprecationWarning, stacklevel=2)
        return getattr(otp, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
