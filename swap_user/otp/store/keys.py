"""Names of keys in Redis. They contain keyed hashes, not usernames, addresses or receivers."""

import hashlib
import hmac
from functools import lru_cache

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.encoding import force_bytes

from swap_user.conf import swap_user_settings
from swap_user.otp.store import connection
from swap_user.users import usernames

NAMESPACE = "swap_user"
"""The first part of every name. Processes that run tests in parallel each have another one."""


def account_key(username: str) -> str:
    """
    Return the account key: the keyed hash of a username, which identifies the account in Redis.

    Args:
        username: the canonical username, see ``lookup.identify()``.
    """
    return keyed_hash("account", username)


def account_key_of(user: AbstractBaseUser) -> str:
    """Return the account key of a user."""
    # A user without a username has a key that can't be typed.
    return account_key(usernames.stored(user) or f"\x00{user.pk}")


def keyed_hash(domain: str, value: str) -> str:
    """
    Return a keyed hash of ``value``: 32 hexadecimal digits. The key is derived from SECRET_KEY.

    Args:
        domain: the kind of ``value``, such as "address". The same value has a different hash in
            another domain.
        value: text that Redis must not store.
    """
    return hmac.digest(_hash_key(domain, settings.SECRET_KEY), value.encode(), "sha256").hex()[:32]


@lru_cache(maxsize=16)
def _hash_key(domain: str, secret: str | bytes) -> bytes:
    # The same derivation as in Django's salted_hmac(), which repeats it at every call.
    return hashlib.sha256(force_bytes(f"swap_user.{domain}") + force_bytes(secret)).digest()


def redis_key(account: str, *parts: str) -> str:
    """
    Return the full name of a key, with the cache's prefix and version.

    The braces mark a hash tag: in a Redis cluster, all keys of an account are in the same slot, so
    that a script can use several of them.

    Args:
        account: an account key, or another keyed hash.
        parts: the rest of the name, which says what the key stores.
    """
    name = ":".join((NAMESPACE, "{" + account + "}", *parts))
    return connection.full_name(swap_user_settings.OTP_CACHE, name)


def scope() -> str:
    """Return text that differs between tenants, or "" if the KEY_FUNCTION knows no tenants."""
    return connection.scope(swap_user_settings.OTP_CACHE)
