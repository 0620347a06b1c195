"""
The security log: one line per event (R41).

The line contains the fields of the event for people. ``extra`` contains them for programs.
"""

import logging
import traceback
from typing import Any

logger = logging.getLogger("swap_user.security")

# A longer value is truncated: the text of an exception may be very long.
_MAX_LENGTH = 500

# Characters that are replaced by an escape sequence. A visitor could forge a line of the log with
# line breaks (including those of Unicode) and other control characters, and could change how a line
# is displayed with characters that set the writing direction.
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

# Attributes of every LogRecord. A field with one of these names is renamed.
_RESERVED = {*vars(logging.makeLogRecord({})), "message", "asctime", "event"}


def record(level: int, event: str, /, **fields: Any) -> None:
    """
    Log an event.

    Args:
        level: a level of ``logging``.
        event: what happened, in lower-case words.
        fields: the details, in the order of the line. They must not contain a code, a secret or a
            typed username. If a LogRecord has an attribute with the name of a field, the field
            has an underscore at the end of its name in ``extra``.
    """
    if logger.isEnabledFor(level):
        parts = " ".join(f"{name}={escape(value)}" for name, value in fields.items())
        extra = {
            f"{name}_" if name in _RESERVED else name: _plain(value)
            for name, value in fields.items()
        }
        logger.log(level, "%s: %s", event, parts, extra={"event": event, **extra})


def escape(value: object) -> str:
    """Return ``value`` as text on one line, of at most 500 characters before escaping."""
    text = str(value)[:_MAX_LENGTH]
    if text.isascii() and text.isprintable():
        return text
    text = text.translate(_CONTROLS)
    # A lone surrogate can't be encoded and so can't be written to a file.
    return text.encode(errors="backslashreplace").decode()


def describe(error: BaseException) -> str:
    """
    Return the type and text of an exception, and the line that raised it.

    A whole traceback is not logged, because its source lines may contain secrets.

    Args:
        error: the exception, as caught.
    """
    text = f"{type(error).__name__}: {error}"
    frames = traceback.extract_tb(error.__traceback__)
    return f"{text} at {frames[-1].filename}:{frames[-1].lineno}" if frames else text


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, bool | int | float) else escape(value)
