"""Texts that fit into one SMS (3GPP TS 23.038)."""

import math
from collections.abc import Callable

# The default alphabet of GSM, section 6.2.1 of the standard. A character of the extension takes the
# place of two.
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")

_MOST_GSM = 160
_MOST_UCS2 = 70

# The longest name that is tried. A longer one would leave no room for the text.
_LONGEST_NAME = 60


def is_gsm(text: str) -> bool:
    """Return whether all characters are in the alphabet of GSM."""
    return _BASIC.union(_EXTENSION).issuperset(text)


def _gsm_length(text: str) -> int:
    return sum(2 if each in _EXTENSION else 1 for each in text)


def _ucs2_length(text: str) -> int:
    return len(text.encode("utf-16-be", errors="replace")) // 2


def fits(text: str) -> bool:
    """Return whether a text is one SMS: 160 characters of GSM, or 70 UTF-16 units of others."""
    if is_gsm(text):
        return _gsm_length(text) <= _MOST_GSM
    return _ucs2_length(text) <= _MOST_UCS2


def parts(text: str) -> int:
    """
    Return how many SMS a text needs.

    If there are several, each has a header, and room for 153 or 67 units (section 9.2.3.24.1 of
    3GPP TS 23.040).
    """
    if fits(text):
        return 1
    if is_gsm(text):
        return math.ceil(_gsm_length(text) / 153)
    return math.ceil(_ucs2_length(text) / 67)


def with_name(write: Callable[[str], str], name: str) -> str:
    """
    Return a text with the name of the site, shortened so that the text fits into one SMS.

    Args:
        write: returns the text with a name, or without one for "".
        name: the name of the site, which may be "".

    Returns:
        The text. It has no name if not even a short one fits. Only a text of a project can be
        longer than one SMS.
    """
    name = " ".join(name.split())
    shortened = (f"{name[:length].rstrip(' .')}." for length in range(_LONGEST_NAME, 1, -1))
    names = [name] if len(name) <= _LONGEST_NAME else []
    for each in [*names, *(short for short in shortened if len(short) < len(name))]:
        if fits(text := write(each)):
            return text
    return write("")
