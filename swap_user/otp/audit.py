"""What is logged: one line an event, for people, and its parts as ``extra``, for machines (R41)."""

import logging
from typing import Any

logger = logging.getLogger("swap_user.security")

# Line ends of every kind (Unicode's too) and other control characters would let a visitor forge
# lines; each is written as its escape.
_CONTROLS = {
    code: f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
    for code in (*range(32), *range(127, 160), 0x2028, 0x2029)
}


def record(level: int, event: str, **fields: Any) -> None:
    """
    Log an event.

    Args:
        level: of ``logging``.
        event: what happened, in lower case words.
        fields: its parts, in their order; never a code, a secret or a name that was typed.
    """
    if logger.isEnabledFor(level):
        parts = " ".join(f"{name}={escape(value)}" for name, value in fields.items())
        logger.log(level, "%s: %s", event, parts, extra={"event": event, **fields})


def escape(value: object) -> str:
    """Return ``value`` as text on one line."""
    return str(value).translate(_CONTROLS)
