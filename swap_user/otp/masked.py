"""
Texts that must not appear in a traceback: typed codes, secrets and recovery codes (R54).

Error trackers and Django's error pages show the local variables of every function as ``repr()``
does. ``Masked`` is a string whose ``repr()`` does not show it. It is equal to the plain string, and
can be used like it.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any, SupportsIndex

MASK = "********"


class Masked(str):
    """
    A string that ``repr()`` does not show. ``str()``, ``print()`` and formatting do.

    The methods that return a part or another form of the string return a ``Masked`` too.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(MASK)

    def __str__(self) -> str:
        # Django's form fields call str() on what they get. It is allowed to return a subclass.
        return self

    def __html__(self) -> Masked:
        """Return the escaped text. Django's templates call this method."""
        return MaskedHTML(html.escape(self))

    # sentry-sdk calls this method for values that it does not show as repr() does.
    __sentry_repr__ = __repr__

    def __getitem__(self, key: SupportsIndex | slice) -> Masked:
        return Masked(super().__getitem__(key))

    def __add__(self, other: str) -> Masked:
        return Masked(super().__add__(other))

    def __radd__(self, other: str) -> Masked:
        return Masked(other.__add__(self))

    def __mod__(self, values: Any) -> Masked:
        return Masked(super().__mod__(values))

    def join(self, texts: Iterable[str], /) -> Masked:
        """See str.join()."""
        return Masked(super().join(texts))

    def split(self, sep: str | None = None, maxsplit: SupportsIndex = -1) -> list[Any]:
        """See str.split()."""
        return [Masked(part) for part in super().split(sep, maxsplit)]

    def splitlines(self, keepends: bool = False) -> list[Any]:
        """See str.splitlines()."""
        return [Masked(line) for line in super().splitlines(keepends)]


def _masked(name: str) -> Any:
    """Return the method of str that has this name, but with a masked result."""
    method = getattr(str, name)

    def masked_method(self: Masked, *args: Any, **kwargs: Any) -> Masked:
        return Masked(method(self, *args, **kwargs))

    masked_method.__name__, masked_method.__doc__ = name, f"See str.{name}()."
    return masked_method


for _name in (
    *("strip", "lstrip", "rstrip", "removeprefix", "removesuffix", "replace", "translate"),
    *("upper", "lower", "casefold", "title", "swapcase", "capitalize"),
    *("zfill", "center", "ljust", "rjust", "expandtabs", "format", "__mul__", "__rmul__"),
):
    setattr(Masked, _name, _masked(_name))


class MaskedHTML(Masked):
    """HTML that contains a secret, for example a QR code. Django's templates do not escape it."""

    __slots__ = ()

    def __html__(self) -> MaskedHTML:
        """Return the HTML."""
        return self


def mask(value: Any) -> Any:
    """Return a text as a masked text, and other values unchanged."""
    return Masked(value) if isinstance(value, str) else value


def reveal(text: str) -> str:
    """Return a plain string, for example for the output of a test."""
    return str.__str__(text)
