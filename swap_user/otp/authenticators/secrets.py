"""An authenticator's secret: made, sealed, opened, and made again when it can't be read."""

import logging
from functools import lru_cache

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import QuerySet
from django.views.decorators.debug import sensitive_variables

from swap_user.conf import swap_user_settings
from swap_user.models import Authenticator
from swap_user.otp import audit
from swap_user.otp.crypto import hotp
from swap_user.otp.crypto.keyring import Keyring, decode_key, derive_key, encrypted_with
from swap_user.otp.exceptions import EncryptionError


def keyring() -> Keyring:
    """
    Return the keys that are configured now, and after them those that follow from SECRET_KEY.

    The latter go on decrypting, so that a site which configures its first key of its own loses
    nothing of what it stored before.
    """
    return _keyring(
        tuple(swap_user_settings.OTP_ENCRYPTION_KEYS),
        (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS),
    )


# Deriving costs a hash or two per key: once for each set of keys, not at every login.
@lru_cache(maxsize=4)
def _keyring(configured: tuple[str, ...], secrets: tuple[str | bytes, ...]) -> Keyring:
    return Keyring([*map(decode_key, configured), *map(derive_key, secrets)])


def _owner(authenticator: Authenticator) -> str:
    """Return what the ciphertext is bound to: this row, of this user, of this type."""
    return f"{authenticator.pk}|{authenticator.user_id}|{authenticator.type}"


def seal(authenticator: Authenticator, secret: str) -> None:
    """Put ``secret`` (base32) into the authenticator, encrypted; saving is the caller's."""
    authenticator.secret = keyring().encrypt(secret, associated_data=_owner(authenticator))


def open_secret(authenticator: Authenticator) -> str:
    """
    Return the authenticator's secret in base32.

    Raises:
        MissingKey: its key is not configured.
        EncryptionError: it was altered, or written for another row.
    """
    return keyring().decrypt(authenticator.secret, associated_data=_owner(authenticator))


def enrolled(user: AbstractBaseUser) -> "QuerySet[Authenticator]":
    """Return what the user enrolled: all but the one for sent codes."""
    return Authenticator.objects.filter(user_id=user.pk).exclude(type=Authenticator.Type.SENT)


def is_enrolled(user: AbstractBaseUser) -> bool:
    """Say whether the user has an authenticator app."""
    return enrolled(user).exists()


def is_stale(authenticator: Authenticator) -> bool:
    """Say whether the secret was encrypted with another key than the first."""
    return encrypted_with(authenticator.secret) != keyring().primary_id


def reseal(authenticator: Authenticator) -> None:
    """
    Encrypt the secret anew with the first key; saving is the caller's.

    Raises:
        EncryptionError: it can't be read.
    """
    seal(authenticator, open_secret(authenticator))


@sensitive_variables("secret", "fresh")
def sent_authenticator(user: AbstractBaseUser) -> tuple[Authenticator, str]:
    """
    Return the user's authenticator for sent codes and its secret; the first call creates it.

    A secret that can't be read is replaced by a new one: nothing was enrolled with it, so all
    that is lost are the codes on their way. Without this a changed SECRET_KEY would shut out
    everybody for good.
    """
    authenticator = Authenticator(
        pk=Authenticator.sent_id(user.pk), user_id=user.pk, type=Authenticator.Type.SENT
    )
    fresh = hotp.generate_secret()
    seal(authenticator, fresh)
    stored, created = Authenticator.objects.get_or_create(
        pk=authenticator.pk,
        defaults={
            "user_id": user.pk,
            "type": authenticator.type,
            "secret": authenticator.secret,
        },
    )
    if created:
        return stored, fresh
    try:
        return stored, open_secret(stored)
    except EncryptionError as error:
        audit.record(logging.ERROR, "sent-code secret replaced", user=user.pk, reason=error)
        # Only where it still stands: of two that replace it at once, the first wins.
        Authenticator.objects.filter(pk=stored.pk, secret=stored.secret).update(
            secret=authenticator.secret, user_id=user.pk, type=authenticator.type
        )
        stored.refresh_from_db()
        return stored, open_secret(stored)
