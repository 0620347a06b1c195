"""Write to terminals that can't show every character, and to streams that are closed."""

import os
import sys
from contextlib import suppress
from typing import Any

from django.core.management.base import CommandError

from swap_user.otp.masked import Masked


def can_show(stream: Any, text: str) -> bool:
    """Return whether the encoding of a stream has all characters of a text."""
    try:
        text.encode(_encoding(stream))
    except UnicodeEncodeError:
        return False
    return True


def write(stream: Any, text: str, *, otherwise: str) -> None:
    r"""
    Write a text at once. Characters that the stream can't show are written as ``\u5e97``.

    Args:
        stream: the ``stdout`` of a command.
        text: the text.
        otherwise: the message of the exception, without a full stop.

    Raises:
        CommandError: the stream is closed, its reader has gone, or its disk is full. The exception
            does not contain the text.
    """
    encoding = _encoding(stream)
    try:
        stream.write(Masked(text.encode(encoding, "backslashreplace").decode(encoding)))
        stream.flush()
    except (AttributeError, OSError, ValueError):
        _discard_the_rest()
        raise CommandError(f"The output can't be written: {otherwise}.") from None


def _encoding(stream: Any) -> str:
    # A StringIO has no encoding: it holds any text.
    return getattr(stream, "encoding", None) or "utf-8"


def _discard_the_rest() -> None:
    """Redirect the standard output to nowhere, so that Python does not try to write at exit."""
    with suppress(AttributeError, OSError, ValueError):
        number = sys.stdout.fileno()
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), number)
