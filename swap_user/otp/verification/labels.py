"""
The label of an account in an authenticator app, short enough for a QR code.

A QR code holds 2,953 bytes (ISO/IEC 18004), and phones can't scan one of that size from a screen.
In a URI, a character outside of ASCII takes up to twelve bytes, and the issuer is there twice.
"""

import unicodedata
from urllib.parse import quote

# Bytes in the URI. An email address of 254 characters is not shortened.
MAX_ISSUER = 180
MAX_ACCOUNT = 540

ELLIPSIS = "…"

_ZERO_WIDTH_JOINER = "\u200d"
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)
_HANGUL_VOWELS_AND_FINALS = range(0x1160, 0x1200)
_TAGS = range(0xE0020, 0xE0080)


def shorten(text: str, max_bytes: int) -> str:
    """
    Return ``text`` with an ellipsis in place of its end, if it is too long for a URI.

    What a reader sees as one character is not divided: letters with their marks, Korean syllables,
    emoji with their modifiers, and flags (the most frequent cases of Unicode Annex 29).

    Args:
        text: the issuer or the name of the account.
        max_bytes: the maximum length of the text in the URI, percent-encoded.
    """
    if _encoded_length(text) <= max_bytes:
        return text
    left = max_bytes - _encoded_length(ELLIPSIS)
    end = 0
    for end, character in enumerate(text):  # noqa: B007 - used after the loop
        left -= _encoded_length(character)
        if left < 0:
            break
    while end and _continues(text, end):
        end -= 1
    return text[:end].rstrip() + ELLIPSIS


def _encoded_length(text: str) -> int:
    return len(quote(text, safe=""))


def _continues(text: str, position: int) -> bool:
    """Return whether the character at ``position`` belongs to the one before it."""
    character, before = text[position], text[position - 1]
    point = ord(character)
    return (
        unicodedata.category(character).startswith("M")
        or _ZERO_WIDTH_JOINER in (character, before)
        or point in _SKIN_TONES
        or point in _HANGUL_VOWELS_AND_FINALS
        or point in _TAGS
        or (point in _FLAG_LETTERS and _flag_letters_before(text, position) % 2 == 1)
    )


def _flag_letters_before(text: str, position: int) -> int:
    """Return how many letters of flags end right before ``position``. Two make a flag."""
    letters = 0
    while letters < position and ord(text[position - letters - 1]) in _FLAG_LETTERS:
        letters += 1
    return letters
