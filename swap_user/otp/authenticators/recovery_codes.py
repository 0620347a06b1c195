"""
Recovery codes, for users who have lost their authenticator.

A set has ten codes of 80 random bits. Each code works once. Codes are stored as salted password
hashes (NIST SP 800-63B-4 section 3.1.2.2 requires this for secrets of less than 112 bits). All
codes of a set have the same salt, so that a check computes only one hash.

The hash is encrypted with the keyring and bound to the owner: moved to another user by SQL, a row
is refused (R46). Version 1.0.0a1 stored the hash itself, which is accepted until the upgrade is
finished (see ``upgrades``).
"""

import hmac
import logging
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from swap_user.models import Authenticator, RecoveryCode
from swap_user.otp import audit
from swap_user.otp.authenticators import upgrades
from swap_user.otp.authenticators.secrets import keyring
from swap_user.otp.crypto.keyring import Keyring, encrypted_with
from swap_user.otp.crypto.typed import simplify
from swap_user.otp.exceptions import EncryptionError
from swap_user.otp.masked import Masked
from swap_user.otp.store import keys
from swap_user.signals import recovery_codes_generated
from swap_user.users.databases import atomic, written

NUMBER = 10

# Crockford's base 32, without I, L, O and U. A code has 16 characters of 5 bits.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 16
GROUP = 4

# 80 random bits can't be guessed from a hash, so a small number is enough to comply with NIST.
_ITERATIONS = 10_000

# An encrypted hash begins with this text, followed by a ciphertext. With this text, it has the
# format of a password hash, so that version 1.0.0a1 refuses it and raises no exception.
SEALED = "aead$1$0$"

_SHAPE = re.compile(rf"[{ALPHABET}]{{{LENGTH}}}")
_REPLACEMENTS = str.maketrans({"O": "0", "I": "1", "L": "1"})


def normalize(typed: object) -> str | None:
    """
    Return a typed recovery code in its canonical form, or None if it can't be one.

    Case and separators are ignored, see ``typed.simplify()``. Letters that look like a digit are
    replaced by that digit.
    """
    text = simplify(typed).upper().translate(_REPLACEMENTS)
    return text if _SHAPE.fullmatch(text) else None


@sensitive_variables("raw", "codes")
def generate_recovery_codes(
    user: AbstractBaseUser, request: HttpRequest | None = None
) -> list[str]:
    """
    Create a new set of recovery codes and return it. It replaces the earlier set.

    Only encrypted hashes of the codes are stored, so the codes can't be shown again later.

    Args:
        user: the owner of the codes.
        request: the request in which they are generated, or None. If their owner has made the
            request, the notice names the browser and the network.

    Returns:
        Ten codes in groups of four characters, e.g. "7K2M-9QXD-0VBE-3HJT". ``repr()`` does not show
        them, and ``print(*codes)`` does.
    """
    raw = [_random_code() for _ in range(NUMBER)]
    salt = secrets.token_hex(16)
    hashes = [_hash(code, salt) for code in raw]
    with atomic(RecoveryCode):
        # While servers of version 1.0.0a1 run, they must be able to read the codes.
        if not upgrades.is_old_form_written(upgrades.RECOVERY_CODES):
            hashes = [seal(hashed, user.pk) for hashed in hashes]
        rows = [RecoveryCode(user_id=user.pk, code=text) for text in hashes]
        own = written(RecoveryCode)
        own.filter(user_id=user.pk).delete()
        own.bulk_create(rows)
    recovery_codes_generated.send(RecoveryCode, user=user, request=request)
    return [_in_groups(code) for code in raw]


def _random_code() -> Masked:
    return Masked("".join(secrets.choice(ALPHABET) for _ in range(LENGTH)))


def _in_groups(code: Masked) -> Masked:
    return Masked("-".join(code[i : i + GROUP] for i in range(0, LENGTH, GROUP)))


def remaining_recovery_codes(user: AbstractBaseUser) -> int:
    """Return the number of the user's unused recovery codes."""
    return written(RecoveryCode).filter(user_id=user.pk, used_at=None).count()


def rows_of(users: "QuerySet[AbstractBaseUser]") -> "QuerySet[RecoveryCode]":
    """
    Return recovery codes, each with its user, and ``enrolled``: whether the user has an app.

    Args:
        users: the owners.
    """
    codes = written(RecoveryCode)
    apps = Authenticator.objects.using(codes.db).filter(user=OuterRef("user"))
    apps = apps.exclude(type=Authenticator.Type.SENT)
    codes = codes.select_related("user").filter(user__in=users.using(codes.db))
    return codes.annotate(enrolled=Exists(apps))


@dataclass(frozen=True, slots=True)
class Match:
    """
    A recovery code that was found.

    Attributes:
        row: its row. It is a used one if the code was used.
        hashed: the hash.
    """

    row: RecoveryCode
    hashed: str = field(repr=False)


@sensitive_variables("code", "hashes", "expected", "hits")
def choose(code: str, rows: Sequence[RecoveryCode]) -> Match | None:
    """
    Return the recovery code that ``code`` matches, used or unused, or None.

    ``code`` is compared with all rows. As many hashes are decrypted and computed as for a complete
    set, whatever rows there are, so that the time does not reveal them (R33). If there are several
    rows of one code and one of them is used, so is the code.
    """
    plain = upgrades.is_pending(upgrades.RECOVERY_CODES)
    hashes = [(row, hashed) for row in rows if (hashed := _open(row, plain=plain))]
    _open_made_up(NUMBER - sum(row.code.startswith(SEALED) for row in rows))
    salts = {_salt(hashed) for _, hashed in hashes} or {"0" * 32}
    expected = {salt: _hash(code, salt) for salt in salts}
    hits = [
        Match(row, hashed)
        for row, hashed in hashes
        if hmac.compare_digest(hashed, expected[_salt(hashed)])
    ]
    used = [hit for hit in hits if hit.row.used_at is not None]
    return next(iter(used or hits), None)


def build_missing_rows(rows: int) -> None:
    """
    Create and discard one instance for each row that is missing from a complete set.

    So a check takes the same time for an account with fewer rows, or none, as for one with a
    complete set (R33).

    Args:
        rows: number of rows of the account.
    """
    model = get_user_model()
    for _ in range(rows, NUMBER):
        RecoveryCode(user=model())


def mark_name(match: Match) -> str:
    """
    Return what identifies a recovery code in Redis: a keyed hash of its hash.

    It is not the primary key, which may be given again after a rollback.
    """
    return keys.keyed_hash("recovery code", match.hashed)


def seal(hashed: str, user_id: object) -> str:
    """Return the hash of a recovery code as its row stores it: encrypted, bound to the owner."""
    return SEALED + keyring().encrypt(hashed, associated_data=_associated_data(user_id))


def is_stale(row: RecoveryCode) -> bool:
    """Return whether the hash is not encrypted, or with a key other than the first."""
    if not row.code.startswith(SEALED):
        return True
    return encrypted_with(row.code.removeprefix(SEALED)) != keyring().primary_id


@sensitive_variables("hashed")
def reseal(row: RecoveryCode) -> None:
    """
    Encrypt the hash, or encrypt it again with the first key, without saving.

    Raises:
        EncryptionError: the hash can't be decrypted.
    """
    hashed = row.code
    if hashed.startswith(SEALED):
        hashed = _decrypt(hashed, row.user_id)
    row.code = seal(hashed, row.user_id)


@sensitive_variables("hashed")
def _open(row: RecoveryCode, *, plain: bool) -> str:
    """
    Return the hash of a row, or "" if the row must not be used.

    Args:
        row: the recovery code.
        plain: whether a hash that is not encrypted is accepted.
    """
    if row.code.startswith(SEALED):
        try:
            hashed = _decrypt(row.code, row.user_id)
        except EncryptionError as error:
            # Not raised, because the other codes of the user still work.
            reason = str(error)
            audit.record(logging.ERROR, "secret unreadable", recovery_code=row.pk, reason=reason)
            return ""
    else:
        hashed = row.code if plain else ""
    # Hashes are ASCII, and only such text can be compared in constant time.
    return hashed if hashed.isascii() and _salt(hashed) else ""


def _decrypt(code: str, user_id: object) -> str:
    ciphertext = code.removeprefix(SEALED)
    return keyring().decrypt(ciphertext, associated_data=_associated_data(user_id))


def _associated_data(user_id: object) -> str:
    return f"recovery code|{user_id}"


def _open_made_up(number: int) -> None:
    """Decrypt a made-up hash ``number`` times."""
    code = _made_up_code(keyring())
    for _ in range(number):
        _decrypt(code, None)


@lru_cache(maxsize=4)
def _made_up_code(ring: Keyring) -> str:
    return seal(_hash("", "0" * 32), None)


def _hash(code: str, salt: str) -> str:
    return PBKDF2PasswordHasher().encode(code, salt, iterations=_ITERATIONS)


def _salt(encoded: str) -> str:
    # Django's format: algorithm$iterations$salt$hash
    parts = encoded.split("$")
    return parts[2] if len(parts) == 4 else ""
