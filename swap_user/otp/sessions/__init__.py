"""Data of a login in the Django session, and the end of sessions."""

from typing import Any


def __getattr__(name: str) -> Any:
    # In the alpha releases this was a module, with these two functions as public names.
    if name in {"end_sessions", "is_fresh"}:
        import warnings  # noqa: PLC0415

        from swap_user import otp  # noqa: PLC0415

        text = f"{__name__}.{name} has moved to swap_user.otp.{name}."
        warnings.warn(text, DeprecationWarning, stacklevel=2)
        return getattr(otp, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
