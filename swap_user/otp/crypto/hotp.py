"""
Codes, and nothing else: no settings, no clock, no database. Time is a parameter.

RFC 4226 (HOTP) and RFC 6238 (TOTP), computed by pyotp.
"""

import hashlib
import hmac
import re
import secrets
import unicodedata
from base64 import b32encode
from collections.abc import Callable, Iterable
from typing import Any

import pyotp

# RFC 4226 section 4, R6 recommends 160 bits; RFC 6238 section 5.1 the size of the hash.
SECRET_BYTES = {"SHA1": 20, "SHA256": 32, "SHA512": 64}

# Ten digits and room for the spaces that people and phones put between them.
MAX_TYPED_LENGTH = 64

ALGORITHMS: dict[str, Callable[..., Any]] = {
    "SHA1": hashlib.sha1,
    "SHA256": hashlib.sha256,
    "SHA512": hashlib.sha512,
}

MAX_DIGITS = 10
"""As many as RFC 4226 section 5.3 can give."""

_DIGITS = re.compile(rf"[0-9]{{6,{MAX_DIGITS}}}", re.ASCII)


def generate_secret(algorithm: str = "SHA1") -> str:
    """Return a new random secret in base32, as long as the hash: 160 bits or more."""
    return b32encode(secrets.token_bytes(SECRET_BYTES[algorithm])).decode()


def normalize(typed: object) -> str | None:
    """
    Return the code that somebody meant, in ASCII digits.

    Args:
        typed: what came in: spaces around and inside are forgiven, full-width digits too.

    Returns:
        Six to ten digits, or None if it can't be a code.
    """
    if not isinstance(typed, str) or len(typed) > MAX_TYPED_LENGTH:
        return None
    text = "".join(unicodedata.normalize("NFKC", typed).split())
    return text if _DIGITS.fullmatch(text) else None


class HOTP(pyotp.HOTP):
    """
    The codes of one secret.

    pyotp decodes the secret anew for each code; of one secret several are computed at a time.

    Args:
        secret: base32.
        digits: how many a code has, 6 to 10.
        algorithm: "SHA1", "SHA256" or "SHA512".
    """

    def __init__(self, secret: str, *, digits: int = 6, algorithm: str = "SHA1") -> None:
        self._decoded: bytes | None = None
        super().__init__(secret, digits=digits, digest=ALGORITHMS[algorithm])

    def byte_secret(self) -> bytes:
        """Return the secret, decoded."""
        if self._decoded is None:
            self._decoded = super().byte_secret()
        return self._decoded


def code_at(secret: str, counter: int, *, digits: int = 6, algorithm: str = "SHA1") -> str:
    """
    Return the code of ``counter`` (RFC 4226 section 5.3).

    Args:
        secret: base32.
        counter: the moving factor, 0 to 2**64 - 1.
        digits: how many the code has, 6 to 10.
        algorithm: "SHA1", "SHA256" or "SHA512".
    """
    return HOTP(secret, digits=digits, algorithm=algorithm).at(counter)


def time_step(now: float, *, period: int = 30) -> int:
    """
    Return the time step that ``now`` lies in (RFC 6238 section 4.2).

    Args:
        now: Unix time in seconds, so that neither time zone nor daylight saving matters.
        period: the length of a step in seconds.
    """
    return int(now // period)


def window(step: int, *, past: int = 1, future: int = 1) -> range:
    """
    Return the time steps that are accepted at ``step`` (RFC 6238 section 5.2).

    Args:
        step: the current time step.
        past: how many earlier steps are accepted.
        future: how many later ones.
    """
    return range(max(0, step - past), step + future + 1)


def matches(code: str, expected: Iterable[str]) -> list[bool]:
    """
    Compare ``code`` with every expected one.

    Every comparison is made and each takes constant time, so neither the time nor the count
    tells which of them matched.
    """
    return [hmac.compare_digest(code.encode(), candidate.encode()) for candidate in expected]
