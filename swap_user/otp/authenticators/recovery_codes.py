"""
Recovery codes: for the day when the phone is gone.

Ten codes of 80 random bits, each good for one login. Stored under a salted password hash (NIST
SP 800-63B-4 3.1.2.2: so whatever has less than 112 bits), one salt for a set, so that checking a
code costs one hash however many are left.
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
from swap_user.signals import recovery_code_used, recovery_codes_generated

NUMBER = 10

# Crockford's base 32: no I, L, O, U. 16 letters of 5 bits.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 16
GROUP = 4

# Against 80 random bits no number of iterations matters; these satisfy the letter of the rule.
_ITERATIONS = 10_000

_SHAPE = re.compile(rf"[{ALPHABET}]{{{LENGTH}}}")
_FORGIVEN = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, "–": None, "_": None})


def normalize(typed: object) -> str | None:
    """
    Return the recovery code that somebody meant, or None if it can't be one.

    Case, spaces and dashes are forgiven, and letters that look like a digit.
    """
    if not isinstance(typed, str) or len(typed) > 64:
        return None
    text = "".join(typed.split()).upper().translate(_FORGIVEN)
    return text if _SHAPE.fullmatch(text) else None


@sensitive_variables("raw", "codes")
def generate_recovery_codes(user: AbstractBaseUser) -> list[str]:
    """
    Give the user a new set of recovery codes, and return them to be shown once.

    The earlier set ends, used or not.

    Args:
        user: whose they are.

    Returns:
        Ten codes, grouped for reading: "7K2M-9QXD-0VBE-3HJT".
    """
    raw = ["".join(secrets.choice(ALPHABET) for _ in range(LENGTH)) for _ in range(NUMBER)]
    salt = secrets.token_hex(16)
    rows = [RecoveryCode(user_id=user.pk, code=_hash(code, salt)) for code in raw]
    with transaction.atomic():
        RecoveryCode.objects.filter(user_id=user.pk).delete()
        RecoveryCode.objects.bulk_create(rows)
    recovery_codes_generated.send(RecoveryCode, user=user)
    return ["-".join(code[i : i + GROUP] for i in range(0, LENGTH, GROUP)) for code in raw]


def remaining_recovery_codes(user: AbstractBaseUser) -> int:
    """Return how many of the user's recovery codes are left."""
    return RecoveryCode.objects.filter(user_id=user.pk, used_at=None).count()


@sensitive_variables("code", "expected")
def choose(code: str, rows: Sequence[RecoveryCode]) -> RecoveryCode | None:
    """
    Return the row that ``code`` matches, used or not.

    All are compared. Without rows a hash is computed all the same, for the time it takes.
    """
    salts = {_salt(row.code) for row in rows} or {"0" * 32}
    expected = {salt: _hash(code, salt) for salt in salts}
    hits = [row for row in rows if hmac.compare_digest(row.code, expected[_salt(row.code)])]
    return next(iter(hits), None)


def build_missing_rows(rows: int) -> None:
    """
    Take the time that making objects of a whole set of codes takes, where there are fewer (R33).

    Args:
        rows: how many there were.
    """
    model = get_user_model()
    for _ in range(rows, NUMBER):
        RecoveryCode(user=model())


def consume(row: RecoveryCode, rows: Iterable[RecoveryCode]) -> bool:
    """
    Use a recovery code up, and say whether it was still to be had.

    Its owner is told, see ``swap_user.signals.recovery_code_used``.

    Args:
        row: the code.
        rows: the set that it belongs to.
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
    # algorithm$iterations$salt$hash, Django's format
    parts = encoded.split("$")
    return parts[2] if len(parts) == 4 else ""
