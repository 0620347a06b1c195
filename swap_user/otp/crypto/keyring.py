"""
Authenticated encryption of secrets with a list of keys.

The cipher is AES-256-GCM with a random nonce. The associated data binds a ciphertext to its row:
copied to another row, it can't be decrypted.
"""

import hashlib
import os
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from swap_user.otp.exceptions import EncryptionError, MissingKey
from swap_user.otp.masked import Masked

KEY_BYTES = 32
NONCE_BYTES = 12
VERSION = "1"

_TO_STANDARD = str.maketrans("-_", "+/")


def decode_key(text: str) -> bytes:
    """
    Return the 32 bytes of a key in base64 (RFC 4648 section 4 or 5).

    Raises:
        ValueError: the text is not the base64 of 32 bytes. The message does not contain the key.
    """
    try:
        key = b64decode(text.strip().translate(_TO_STANDARD), validate=True)
    except (Base64Error, ValueError):
        raise ValueError("is not base64") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"decodes to {len(key)} bytes instead of {KEY_BYTES}")
    return key


def derive_key(secret: str | bytes) -> bytes:
    """Return a key that is derived from Django's SECRET_KEY with HKDF (RFC 5869)."""
    material = secret.encode() if isinstance(secret, str) else secret
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"swap_user.encryption").derive(material)


def key_id(key: bytes) -> str:
    """Return the id of a key. It is not secret: a ciphertext contains the id of its key."""
    return hashlib.sha256(b"swap_user.key_id" + key).hexdigest()[:8]


def prefix(name: str) -> str:
    """Return the prefix of all ciphertexts that are encrypted with the key of this id."""
    return f"{VERSION}.{name}."


def encrypted_with(ciphertext: str) -> str:
    """Return the id of the key that a ciphertext was encrypted with, or "" if it is malformed."""
    return ciphertext.split(".")[1] if ciphertext.count(".") == 2 else ""


class Keyring:
    """
    A list of keys: the first encrypts, all decrypt.

    Args:
        keys: keys of 32 bytes, newest first.
    """

    def __init__(self, keys: Iterable[bytes]) -> None:
        self._keys = {key_id(key): key for key in keys}
        if not self._keys:
            raise ValueError("A keyring needs at least one key.")
        self.primary_id = next(iter(self._keys))

    def __repr__(self) -> str:
        return f"<Keyring {', '.join(self._keys)}>"

    def encrypt(self, plaintext: str, *, associated_data: str) -> str:
        """
        Return ``plaintext`` encrypted with the first key.

        Args:
            plaintext: the secret.
            associated_data: the row that the secret belongs to. Decryption needs the same value.
        """
        nonce = os.urandom(NONCE_BYTES)
        sealed = AESGCM(self._keys[self.primary_id]).encrypt(
            nonce, plaintext.encode(), associated_data.encode()
        )
        payload = urlsafe_b64encode(nonce + sealed).decode()
        return f"{prefix(self.primary_id)}{payload}"

    def decrypt(self, ciphertext: str, *, associated_data: str) -> str:
        """
        Return the plaintext.

        Args:
            ciphertext: the result of ``encrypt()``.
            associated_data: the value given to ``encrypt()``.

        Raises:
            MissingKey: the key of the ciphertext is not in this keyring.
            EncryptionError: the ciphertext was altered, or belongs to another row.
        """
        try:
            version, named, payload = ciphertext.split(".")
            data = urlsafe_b64decode(payload)
        except (AttributeError, ValueError):
            raise EncryptionError(
                "The stored secret does not have the format of a ciphertext."
            ) from None
        if version != VERSION:
            raise EncryptionError(f"The stored secret has the unknown format version {version!r}.")
        if named not in self._keys:
            raise MissingKey(named)
        try:
            return Masked(
                AESGCM(self._keys[named])
                .decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], associated_data.encode())
                .decode()
            )
        except (InvalidTag, ValueError):
            raise EncryptionError(
                "The stored secret was altered, or it belongs to another row."
            ) from None
