"""How a typed or pasted code is read, before it is known what kind of code it is."""

import unicodedata

from swap_user.otp.masked import Masked
from swap_user.users.characters import remove_invisible

MAX_LENGTH = 64
"""Characters. A longer text is not a code; the longest is a recovery code with separators."""

# The Unicode categories of separators, punctuation and invisible characters.
_IGNORED = ("Z", "P", "Cf")
_MINUS = "\u2212"


def simplify(typed: object) -> Masked:
    """
    Return a typed code without spaces, separators and invisible characters, in ASCII digits.

    Letters are kept. The digits of every script are accepted.

    Args:
        typed: the code as typed. Values of any type are accepted.

    Returns:
        The text, or "" if the value can't be a code.
    """
    if not isinstance(typed, str) or len(typed) > MAX_LENGTH:
        return Masked("")
    text = Masked(remove_invisible(unicodedata.normalize("NFKC", typed)))
    return Masked(
        "".join(
            str(unicodedata.decimal(character, character))
            for character in text
            if not _is_separator(character)
        )
    )


def _is_separator(character: str) -> bool:
    return (
        character.isspace()
        or character == _MINUS
        or unicodedata.category(character).startswith(_IGNORED)
    )
