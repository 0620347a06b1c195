"""
One-time codes of RFC 4226 (HOTP) and RFC 6238 (TOTP), computed by pyotp.

The functions read no settings, no clock and no database. The time is a parameter.
"""

import hashlib
import hmac
import re
import secrets
from base64 import b32encode
from collections.abc import Callable, Iterable
from typing import Any

import pyotp

from swap_user.otp.crypto.typed import simplify
from swap_user.otp.masked import Masked

# Requirement R6 in RFC 4226 section 4 recommends 160 bits. RFC 6238 section 5.1 recommends the
# length of the hash.
SECRET_BYTES = {"SHA1": 20, "SHA256": 32, "SHA512": 64}

ALGORITHMS: dict[str, Callable[..., Any]] = {
    "SHA1": hashlib.sha1,
    "SHA256": hashlib.sha256,
    "SHA512": hashlib.sha512,
}

MAX_DIGITS = 10
"""The largest number of digits of a code: a code is a 31-bit number (RFC 4226 section 5.3)."""

_DIGITS = re.compile(rf"[0-9]{{6,{MAX_DIGITS}}}", re.ASCII)


def generate_secret(algorithm: str = "SHA1") -> str:
    """Return a new random secret in base32. It has the length of the hash, at least 160 bits."""
    return Masked(b32encode(secrets.token_bytes(SECRET_BYTES[algorithm])).decode())


def normalize(typed: object) -> str | None:
    """
    Return a typed code in ASCII digits, without separators.

    Args:
        typed: the code as typed, see ``typed.simplify()``. Values of any type are accepted.

    Returns:
        Six to ten digits, or None if the value can't be a code.
    """
    text = simplify(typed)
    return text if _DIGITS.fullmatch(text) else None


class HOTP(pyotp.HOTP):
    """
    The codes of one secret.

    pyotp decodes the secret again for each code. This class decodes it once, because one guess is
    compared with several codes of the secret.

    Args:
        secret: the secret in base32.
        digits: number of digits of a code, 6 to 10.
        algorithm: "SHA1", "SHA256" or "SHA512".
    """

    def __init__(self, secret: str, *, digits: int = 6, algorithm: str = "SHA1") -> None:
        self._decoded: bytes | None = None
        super().__init__(secret, digits=digits, digest=ALGORITHMS[algorithm])

    def byte_secret(self) -> bytes:
        """Return the decoded secret."""
        if self._decoded is None:
            self._decoded = super().byte_secret()
        return self._decoded

    def at(self, count: int) -> Masked:
        """Return the code of a counter."""
        return Masked(super().at(count))


def code_at(secret: str, counter: int, *, digits: int = 6, algorithm: str = "SHA1") -> str:
    """
    Return the code of ``counter`` (RFC 4226 section 5.3).

    Args:
        secret: the secret in base32.
        counter: the moving factor, 0 to 2**64 - 1.
        digits: number of digits of the code, 6 to 10.
        algorithm: "SHA1", "SHA256" or "SHA512".
    """
    return HOTP(secret, digits=digits, algorithm=algorithm).at(counter)


def time_step(now: float, *, period: int = 30) -> int:
    """
    Return the time step of ``now`` (RFC 6238 section 4.2).

    Args:
        now: Unix time in seconds.
        period: length of a time step in seconds.
    """
    return int(now // period)


def window(step: int, *, past: int = 1, future: int = 1) -> range:
    """
    Return the time steps whose codes are accepted during ``step`` (RFC 6238 section 5.2).

    Args:
        step: the current time step.
        past: number of earlier steps to accept.
        future: number of later steps to accept.
    """
    return range(max(0, step - past), step + future + 1)


def matches(code: str, expected: Iterable[str]) -> list[bool]:
    """
    Return a list that says for each expected code whether ``code`` is equal to it.

    All codes are compared, each in constant time, so the time does not reveal which code matched.
    """
    return [hmac.compare_digest(code.encode(), candidate.encode()) for candidate in expected]
