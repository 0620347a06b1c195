"""System checks of a deployment, run by `manage.py check --deploy`."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.cache import InvalidCacheBackendError
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router

from swap_user.checks import sessions
from swap_user.checks.helpers import Messages, value
from swap_user.conf import NAMESPACE, limits
from swap_user.models import WrongGuess
from swap_user.otp.availability import CACHE_ERRORS
from swap_user.otp.crypto.keyring import decode_key
from swap_user.otp.durable.own_connection import can_limit
from swap_user.otp.senders import StdOutOTPSender, load_sender
from swap_user.otp.store import connection

# A key of 32 random bytes has about 30 distinct bytes. One of 10^17 has fewer than 16.
_FEWEST_DISTINCT = 16

# How long a check may wait for Redis, in seconds.
_REDIS_TIMEOUT = 1

_UNREACHABLE: tuple[type[Exception], ...] = (
    *CACHE_ERRORS,
    OSError,
    ValueError,
    ImportError,
    InvalidCacheBackendError,
)

# Names of the same server.
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

# Django settings that are only used behind a proxy.
_PROXY_SETTINGS = ("SECURE_PROXY_SSL_HEADER", "USE_X_FORWARDED_HOST", "USE_X_FORWARDED_PORT")

# The highest acceptable probability that a year of guessing at one account succeeds.
_MAXIMUM_CHANCE = 1e-4


def deploy_check_keys(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """W001: secrets are encrypted with a key that is derived from SECRET_KEY."""
    if value("OTP_ENCRYPTION_KEYS"):
        return []
    return [
        checks.Warning(
            "The secrets of authenticators are encrypted with a key derived from SECRET_KEY: "
            "anyone who knows SECRET_KEY can decrypt them, and they are lost if it is replaced.",
            hint=f"Set {NAMESPACE}['OTP_ENCRYPTION_KEYS'] to a list of separate keys; python "
            "manage.py generate_otp_key prints one. Secrets that are already stored stay readable.",
            id="swap_user.W001",
        )
    ]


def deploy_check_sender(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """W002: codes are printed instead of delivered."""
    try:
        prints = any(isinstance(each, StdOutOTPSender) for each in load_sender().routes())
    except Exception:  # noqa: BLE001 - E004, E009 and E010 report it
        return []
    if not prints:
        return []
    return [
        checks.Warning(
            "Codes are printed to the server's output: users don't receive them, and everyone who "
            "can read the output can log in with them.",
            hint=f"Set {NAMESPACE}['OTP_SENDER_CLASS'] to a sender that delivers codes to users, "
            'such as "swap_user.otp.senders.EmailOTPSender".',
            id="swap_user.W002",
        )
    ]


def deploy_check_eviction(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """W005: Redis evicts keys when its memory is full. No warning if Redis can't be reached."""
    alias = value("OTP_CACHE")
    if alias is None:
        return []
    try:
        client = connection.probe(alias, _REDIS_TIMEOUT)
        memory: dict[str, Any] = client.info("memory") if client else {}
    except _UNREACHABLE:
        return []
    policy = memory.get("maxmemory_policy", "noeviction")
    if policy == "noeviction" or not memory.get("maxmemory"):
        return []
    return [
        checks.Warning(
            f"The Redis of CACHES[{alias!r}] evicts keys when its memory is full "
            f"(maxmemory-policy {policy}): an attacker who fills the memory removes the counts "
            "of guesses and messages, and with them the limits.",
            hint="Use a separate Redis with maxmemory-policy noeviction for one-time codes, and "
            f"name its alias in {NAMESPACE}['OTP_CACHE']. When its memory is full, logins fail, "
            "but no limit is lost.",
            id="swap_user.W005",
        )
    ]


def deploy_check_session_cookie(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """W006: the session cookie can be read on an HTTP connection or by a script."""
    names = [
        name
        for name in ("SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY")
        if not getattr(settings, name)
    ]
    if not names:
        return []
    return [
        checks.Warning(
            f"Not set to True: {', '.join(names)}. Anyone who steals the session cookie can use "
            "the account without a code.",
            hint=f"Set {' and '.join(names)} to True.",
            id="swap_user.W006",
        )
    ]


def deploy_check_weak_keys(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """W007: an encryption key is not random."""
    messages: Messages = []
    for position, text in enumerate(value("OTP_ENCRYPTION_KEYS") or ()):
        try:
            key = decode_key(text)
        except ValueError:
            continue  # Reported as E005.
        if len(set(key)) < _FEWEST_DISTINCT or (key.isascii() and key.decode().isprintable()):
            messages.append(
                checks.Warning(
                    f"{NAMESPACE}['OTP_ENCRYPTION_KEYS'][{position}] is not random: it can be "
                    "guessed.",
                    hint="Add a key from python manage.py generate_otp_key at the start of the "
                    "list, run python manage.py rotate_otp_keys, and remove the old key.",
                    id="swap_user.W007",
                )
            )
    return messages


def deploy_check_proxy(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """W009: the project runs behind a proxy, but OTP_CLIENT_ADDRESS_HEADER is not set."""
    names = [name for name in _PROXY_SETTINGS if getattr(settings, name)]
    if not names or value("OTP_CLIENT_ADDRESS_HEADER") != "":
        return []
    return [
        checks.Warning(
            f"The project runs behind a proxy, because it sets {' and '.join(names)}, but "
            "OTP_CLIENT_ADDRESS_HEADER is empty: the limits per client address may count the "
            "address of the proxy.",
            hint=f"Set {NAMESPACE}['OTP_CLIENT_ADDRESS_HEADER'] to the header that the proxy "
            'overwrites or adds to, such as "X-Forwarded-For".',
            id="swap_user.W009",
        )
    ]


def deploy_check_chance(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """W010: the limits are so high that an attacker who guesses for a year may succeed."""
    try:
        chance = limits.yearly_chance()
    except ImproperlyConfigured:
        return []  # Reported as E004.
    if chance < _MAXIMUM_CHANCE:
        return []
    return [
        checks.Warning(
            "With these limits, an attacker who guesses at one account for a year succeeds with a "
            f"probability of 1 in {1 / chance:,.0f}.",
            hint="Lower guesses_per_account, messages_per_account or newcomers_per_account in "
            f"{NAMESPACE}['OTP_LIMITS']. With the defaults, the probability is below 1 in "
            f"{1 / _MAXIMUM_CHANCE:,.0f}.",
            id="swap_user.W010",
        )
    ]


def deploy_check_shared_database(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> Messages:
    """W020: another alias of CACHES uses the Redis database of the codes."""
    alias = value("OTP_CACHE")
    database = _database(alias)
    others = [other for other in settings.CACHES if other != alias and database == _database(other)]
    if database is None or not others:
        return []
    names = " and ".join(f"CACHES[{other!r}]" for other in others)
    return [
        checks.Warning(
            f"CACHES[{alias!r}], which OTP_CACHE names, uses the same Redis database as {names}. "
            "clear() of any of these caches empties the database: pending codes stop working, and "
            "counts of limits and marks of used codes are removed.",
            hint="Give one-time codes a database of their own, such as redis://127.0.0.1:6379/1 as "
            f"LOCATION of CACHES[{alias!r}]. Never call clear() of this cache: it does the same.",
            id="swap_user.W020",
        )
    ]


def deploy_check_transactions(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """W021: requests are transactions, and the database takes no second connection meanwhile."""
    database = connections[router.db_for_write(WrongGuess)]
    if not database.settings_dict["ATOMIC_REQUESTS"] or can_limit(database):
        return []
    return [
        checks.Warning(
            f"DATABASES[{database.alias!r}] has ATOMIC_REQUESTS, and {database.display_name} lets "
            "no second connection write meanwhile. A wrong guess and the use of a code are saved "
            "after the request. If its transaction is rolled back and Redis loses its data before, "
            "they are forgotten.",
            hint="Use PostgreSQL, MariaDB or MySQL, or turn ATOMIC_REQUESTS off.",
            id="swap_user.W021",
        )
    ]


def _database(alias: Any) -> Any:
    """Return what identifies the Redis database that a cache writes to, or None if unknown."""
    try:
        # This connects to no server. With Sentinel, the host is the name of the service.
        options = connection.client(alias).connection_pool.connection_kwargs
        host = str(options.get("host") or "localhost").lower()
        address = "localhost" if host in _LOOPBACK else host, int(options.get("port") or 6379)
        return options.get("path") or address, int(options.get("db") or 0)
    except Exception:  # noqa: BLE001 - not Redis, or settings that another check reports
        return None


ALL = (
    deploy_check_keys,
    deploy_check_sender,
    deploy_check_eviction,
    deploy_check_session_cookie,
    deploy_check_weak_keys,
    sessions.deploy_check_ending,
    deploy_check_proxy,
    deploy_check_chance,
    sessions.deploy_check_following,
    sessions.deploy_check_clearsessions,
    deploy_check_shared_database,
    deploy_check_transactions,
)
