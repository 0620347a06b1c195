"""The secrets of authenticators: encrypt and decrypt them, and replace those of sent codes."""

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
from swap_user.users.databases import written


def keyring() -> Keyring:
    """
    Return a keyring of OTP_ENCRYPTION_KEYS, followed by the keys derived from SECRET_KEY.

    It always contains the derived keys, so that existing secrets can still be decrypted when a
    project sets OTP_ENCRYPTION_KEYS for the first time.
    """
    return _keyring(
        tuple(swap_user_settings.OTP_ENCRYPTION_KEYS),
        (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS),
    )


# Deriving a key takes a few hashes, so it is not done at each login.
@lru_cache(maxsize=4)
def _keyring(configured: tuple[str, ...], secrets: tuple[str | bytes, ...]) -> Keyring:
    return Keyring([*map(decode_key, configured), *map(derive_key, secrets)])


def _associated_data(authenticator: Authenticator) -> str:
    """Return the associated data, which binds a ciphertext to the id, user and type of its row."""
    return f"{authenticator.pk}|{authenticator.user_id}|{authenticator.type}"


def seal(authenticator: Authenticator, secret: str) -> None:
    """Encrypt ``secret`` (base32) and set it on the authenticator, without saving."""
    authenticator.secret = keyring().encrypt(
        secret, associated_data=_associated_data(authenticator)
    )


def open_secret(authenticator: Authenticator) -> str:
    """
    Return the decrypted secret of the authenticator, in base32.

    Raises:
        MissingKey: the key of the secret is not configured.
        EncryptionError: the secret was altered, or belongs to another row.
    """
    return keyring().decrypt(authenticator.secret, associated_data=_associated_data(authenticator))


def enrolled(user: AbstractBaseUser) -> "QuerySet[Authenticator]":
    """Return the enrolled authenticators of the user, without the one for sent codes."""
    return written(Authenticator).filter(user_id=user.pk).exclude(type=Authenticator.Type.SENT)


def is_enrolled(user: AbstractBaseUser) -> bool:
    """Return whether the user has enrolled an authenticator."""
    return enrolled(user).exists()


def is_stale(authenticator: Authenticator) -> bool:
    """Return whether the secret is encrypted with a key other than the first."""
    return encrypted_with(authenticator.secret) != keyring().primary_id


def reseal(authenticator: Authenticator) -> None:
    """
    Encrypt the secret again with the first key, without saving.

    Raises:
        EncryptionError: the secret can't be decrypted.
    """
    seal(authenticator, open_secret(authenticator))


@sensitive_variables("secret", "fresh")
def sent_authenticator(user: AbstractBaseUser) -> tuple[Authenticator, str]:
    """
    Return the user's authenticator for sent codes and its secret. The first call creates it.

    A secret that can't be decrypted is replaced by a new one. Otherwise no user could log in with a
    sent code after a change of SECRET_KEY. Codes that were sent before the replacement no longer
    work.
    """
    authenticator = Authenticator(
        pk=Authenticator.sent_id(user.pk), user_id=user.pk, type=Authenticator.Type.SENT
    )
    fresh = hotp.generate_secret()
    seal(authenticator, fresh)
    stored, created = written(Authenticator).get_or_create(
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
        # Filtered by the old secret, so that only the first of two concurrent calls replaces it.
        written(Authenticator).filter(pk=stored.pk, secret=stored.secret).update(
            secret=authenticator.secret, user_id=user.pk, type=authenticator.type
        )
        stored.refresh_from_db(using=stored._state.db)
        return stored, open_secret(stored)
