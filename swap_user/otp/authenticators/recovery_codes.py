"""
Recovery codes, for users who have lost their authenticator.

A set has ten codes of 80 random bits. Each code works once. Codes are stored as salted password
hashes (NIST SP 800-63B-4 section 3.1.2.2 requires this for secrets of less than 112 bits). All
codes of a set have the same salt, so that a check computes only one hash.
"""

import hmac
import re
import secrets
from collections.abc import Iterable, Sequence

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from swap_user.models import RecoveryCode
from swap_user.otp.masked import Masked
from swap_user.signals import recovery_code_used, recovery_codes_generated

NUMBER = 10

# Crockford's base 32, without I, L, O and U. A code has 16 characters of 5 bits.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 16
GROUP = 4

# 80 random bits can't be guessed from a hash, so a small number is enough to comply with NIST.
_ITERATIONS = 10_000

_SHAPE = re.compile(rf"[{ALPHABET}]{{{LENGTH}}}")
_REPLACEMENTS = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, "–": None, "_": None})


def normalize(typed: object) -> str | None:
    """
    Return a typed recovery code in its canonical form, or None if it can't be one.

    Case, spaces, dashes and underscores are ignored. Letters that look like a digit are replaced
    by that digit.
    """
    if not isinstance(typed, str) or len(typed) > 64:
        return None
    text = Masked("".join(typed.split())).upper().translate(_REPLACEMENTS)
    return text if _SHAPE.fullmatch(text) else None


@sensitive_variables("raw", "codes")
def generate_recovery_codes(user: AbstractBaseUser) -> list[str]:
    """
    Create a new set of recovery codes and return it. It replaces the earlier set.

    Only hashes of the codes are stored, so the codes can't be shown again later.

    Args:
        user: the owner of the codes.

    Returns:
        Ten codes in groups of four characters, e.g. "7K2M-9QXD-0VBE-3HJT". ``repr()`` does not show
        them, and ``print(*codes)`` does.
    """
    raw = [_random_code() for _ in range(NUMBER)]
    salt = secrets.token_hex(16)
    rows = [RecoveryCode(user_id=user.pk, code=_hash(code, salt)) for code in raw]
    with transaction.atomic():
        RecoveryCode.objects.filter(user_id=user.pk).delete()
        RecoveryCode.objects.bulk_create(rows)
    recovery_codes_generated.send(RecoveryCode, user=user)
    return [_in_groups(code) for code in raw]


def _random_code() -> Masked:
    return Masked("".join(secrets.choice(ALPHABET) for _ in range(LENGTH)))


def _in_groups(code: Masked) -> Masked:
    return Masked("-".join(code[i : i + GROUP] for i in range(0, LENGTH, GROUP)))


def remaining_recovery_codes(user: AbstractBaseUser) -> int:
    """Return the number of the user's unused recovery codes."""
    return RecoveryCode.objects.filter(user_id=user.pk, used_at=None).count()


@sensitive_variables("code", "expected")
def choose(code: str, rows: Sequence[RecoveryCode]) -> RecoveryCode | None:
    """
    Return the row that ``code`` matches, used or unused, or None.

    ``code`` is compared with all rows. If there are no rows, a hash is computed all the same, so
    that the time does not reveal whether there are rows.
    """
    salts = {_salt(row.code) for row in rows} or {"0" * 32}
    expected = {salt: _hash(code, salt) for salt in salts}
    hits = [row for row in rows if hmac.compare_digest(row.code, expected[_salt(row.code)])]
    return next(iter(hits), None)


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


def consume(row: RecoveryCode, rows: Iterable[RecoveryCode]) -> bool:
    """
    Consume a recovery code and return whether it was unused.

    The signal ``recovery_code_used`` is sent, so that the owner is notified.

    Args:
        row: the recovery code.
        rows: the set that the recovery code is part of.
    """
    unused = RecoveryCode.objects.filter(pk=row.pk, used_at=None)
    if row.used_at is not None or unused.update(used_at=timezone.now()) == 0:
        return False
    left = sum(each.used_at is None for each in rows) - 1
    recovery_code_used.send(RecoveryCode, user=row.user, remaining=left)
    return True


def _hash(code: str, salt: str) -> str:
    return PBKDF2PasswordHasher().encode(code, salt, iterations=_ITERATIONS)


def _salt(encoded: str) -> str:
    # Django's format: algorithm$iterations$salt$hash
    parts = encoded.split("$")
    return parts[2] if len(parts) == 4 else ""
