"""
The security log: one line per event (R41).

The fields of an event are written in the line for people, and as ``extra`` for programs.
"""

import logging
import traceback
from typing import Any

logger = logging.getLogger("swap_user.security")

# A longer value is cut. The text of an exception may be long enough to hide other lines.
_MAX_LENGTH = 500

# Characters that are written as an escape sequence. With line ends (also those of Unicode) and
# other control characters a visitor could forge a line of the log; marks of the writing direction
# could change how a line looks.
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
            typed username. In ``extra``, the name of a field that is also an attribute of every
            LogRecord gets an underscore at its end.
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
    # A lone surrogate can't be encoded, so it could not be written to a file.
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
