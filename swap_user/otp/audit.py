"""What is logged: one line an event, for people, and its parts as ``extra``, for machines (R41)."""

import logging
import traceback
from typing import Any

logger = logging.getLogger("swap_user.security")

# No word of ours is as long. An exception's may be, and a line that floods the log hides others.
_LONGEST = 500

# Line ends of every kind (Unicode's too) and other control characters would let a visitor forge
# lines, and marks of the writing direction the look of one; each is written as its escape.
_CONTROLS = {
    code: f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
    for code in (
        *range(32),
        *range(127, 160),
        *(0x061C, 0x200E, 0x200F),
        *range(0x2028, 0x202F),
        *range(0x2066, 0x206A),
    )
}

# What a LogRecord has of its own, and what the parts of an event must therefore not be called.
_RESERVED = {*vars(logging.makeLogRecord({})), "message", "asctime", "event"}


def record(level: int, event: str, /, **fields: Any) -> None:
    """
    Log an event.

    Args:
        level: of ``logging``.
        event: what happened, in lower case words.
        fields: its parts, in their order; never a code, a secret or a name that was typed. One
            that is called like an attribute of every LogRecord gets an underscore in ``extra``.
    """
    if logger.isEnabledFor(level):
        parts = " ".join(f"{name}={escape(value)}" for name, value in fields.items())
        extra = {
            f"{name}_" if name in _RESERVED else name: _plain(value)
            for name, value in fields.items()
        }
        logger.log(level, "%s: %s", event, parts, extra={"event": event, **extra})


def escape(value: object) -> str:
    """Return ``value`` as text on one line."""
    text = str(value)[:_LONGEST]
    if text.isascii() and text.isprintable():
        return text
    text = text.translate(_CONTROLS)
    # A lone surrogate can't be written to any file.
    return text.encode(errors="backslashreplace").decode()


def describe(error: BaseException) -> str:
    """
    Return what went wrong, and where, without the traceback: its lines may be anything.

    Args:
        error: as it was caught.
    """
    words = f"{type(error).__name__}: {error}"
    frames = traceback.extract_tb(error.__traceback__)
    return f"{words} at {frames[-1].filename}:{frames[-1].lineno}" if frames else words


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, bool | int | float) else escape(value)
