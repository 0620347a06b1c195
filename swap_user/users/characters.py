"""
Invisible characters, and the ASCII form of internationalized domains.

Text that is copied from a message or a web page often contains invisible characters. Usernames and
codes are compared without them.
"""

import re

import idna

# Characters without a glyph of their own: Default_Ignorable_Code_Point of the Unicode Character
# Database, without the two joiners.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)

_JOINERS = "\u200c\u200d"
_JOINER = re.compile(f"[{_JOINERS}]")


def remove_invisible(text: str) -> str:
    """
    Return ``text`` without invisible characters.

    The zero width joiner and non-joiner stay where IDNA allows them (RFC 5892 appendix A.1, A.2),
    because there they distinguish words in some scripts.
    """
    if text.isascii():
        return text
    text = _INVISIBLE.sub("", text).strip(_JOINERS)
    # Removing one joiner can change whether the next one is allowed.
    while (kept := _JOINER.sub(_kept_joiner, text)) != text:
        text = kept
    return text


def _kept_joiner(match: re.Match[str]) -> str:
    try:
        is_allowed = idna.valid_contextj(match.string, match.start())
    except ValueError:  # the neighbouring character is not assigned
        is_allowed = False
    return match[0] if is_allowed else ""


def ascii_domain(domain: str) -> str:
    """
    Return a domain in ASCII and lower case, as browsers do (UTS 46, non-transitional).

    "Straße.example" is "xn--strae-oqa.example". Python's own codec would return
    "strasse.example", which may belong to someone else.

    Args:
        domain: a domain name in any form. It may be invalid; no exception is raised.
    """
    if domain.isascii():
        return domain.lower()
    try:
        mapped = idna.uts46_remap(domain, std3_rules=False)
    except idna.IDNAError:  # a character that no domain can contain
        mapped = domain.lower()
    return ".".join(map(_ascii_label, mapped.split(".")))


def unicode_domain(domain: str) -> str:
    """Return a domain with its internationalized labels in Unicode. Invalid labels are kept."""
    return ".".join(map(_unicode_label, ascii_domain(domain).split(".")))


def _ascii_label(label: str) -> str:
    return label if label.isascii() else f"xn--{label.encode('punycode').decode()}"


def _unicode_label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        decoded = label[4:].encode().decode("punycode")
        return decoded if ascii_domain(decoded) == label else label
    except UnicodeError:
        return label
