"""System checks for a site that goes live: `manage.py check --deploy` runs them."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import checks
from django.core.cache import InvalidCacheBackendError
from django.core.exceptions import ImproperlyConfigured

from swap_user.checks.helpers import Messages, value
from swap_user.conf import NAMESPACE
from swap_user.otp.availability import CACHE_ERRORS
from swap_user.otp.crypto.keyring import decode_key
from swap_user.otp.store import connection
from swap_user.otp.throttling import budgets

STDOUT_SENDER = "swap_user.otp.senders.StdOutOTPSender"

# Of 32 random bytes about 30 differ; fewer than 16 of them happen once in 10^17 keys.
_FEWEST_DISTINCT = 16

# How long a check may wait for Redis, in seconds.
_PATIENCE = 1

_UNREACHABLE: tuple[type[Exception], ...] = (
    *CACHE_ERRORS,
    OSError,
    ValueError,
    ImportError,
    InvalidCacheBackendError,
)

# Settings of Django's that nobody needs without a proxy.
_OF_PROXIES = ("SECURE_PROXY_SSL_HEADER", "USE_X_FORWARDED_HOST", "USE_X_FORWARDED_PORT")

# What a year of guessing at one account may come to.
_CHANCE = 1e-4


def deploy_check_keys(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """W001: secrets are encrypted with a key that follows from SECRET_KEY."""
    if value("OTP_ENCRYPTION_KEYS"):
        return []
    return [
        checks.Warning(
            "The secrets of authenticators are encrypted with a key derived from SECRET_KEY: "
            "whoever has one has both, and a SECRET_KEY that is replaced takes them with it.",
            hint=f"Set {NAMESPACE}['OTP_ENCRYPTION_KEYS'] to a list of keys that are kept apart; "
            "python manage.py generate_otp_key prints one. What is stored already stays readable.",
            id="swap_user.W001",
        )
    ]


def deploy_check_sender(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """W002: codes are printed instead of sent."""
    if value("OTP_SENDER_CLASS") != STDOUT_SENDER:
        return []
    return [
        checks.Warning(
            "Codes are printed to the server's output: users don't get them, and whoever reads "
            "the log does.",
            hint=f"Set {NAMESPACE}['OTP_SENDER_CLASS'] to a sender that delivers, such as "
            '"swap_user.otp.senders.EmailOTPSender".',
            id="swap_user.W002",
        )
    ]


def deploy_check_eviction(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """W005: a Redis that throws counters away when its memory is full; silent if out of reach."""
    alias = value("OTP_CACHE")
    if alias is None:
        return []
    try:
        client = connection.probe(alias, _PATIENCE)
        memory: dict[str, Any] = client.info("memory") if client else {}
    except _UNREACHABLE:
        return []
    policy = memory.get("maxmemory_policy", "noeviction")
    if policy == "noeviction" or not memory.get("maxmemory"):
        return []
    return [
        checks.Warning(
            f"The Redis of CACHES[{alias!r}] evicts keys when its memory is full "
            f"(maxmemory-policy {policy}): whoever fills it makes it forget guesses and sends.",
            hint="Give one-time codes a Redis of their own with maxmemory-policy noeviction, under "
            f"an alias that {NAMESPACE}['OTP_CACHE'] names. When that is full, nobody can log in, "
            "and no limit is lost.",
            id="swap_user.W005",
        )
    ]


def deploy_check_session_cookie(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """W006: a session that can be read on the way, or by a script of the page."""
    names = [
        name
        for name in ("SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY")
        if not getattr(settings, name)
    ]
    if not names:
        return []
    return [
        checks.Warning(
            f"{' and '.join(names)} not set: a session that is stolen needs no code any more.",
            hint=f"Set {' and '.join(names)} to True.",
            id="swap_user.W006",
        )
    ]


def deploy_check_weak_keys(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """W007: an encryption key that somebody has made up."""
    messages: Messages = []
    for position, text in enumerate(value("OTP_ENCRYPTION_KEYS") or ()):
        try:
            key = decode_key(text)
        except ValueError:
            continue  # E005 says so.
        if len(set(key)) < _FEWEST_DISTINCT or (key.isascii() and key.decode().isprintable()):
            messages.append(
                checks.Warning(
                    f"{NAMESPACE}['OTP_ENCRYPTION_KEYS'][{position}] is not random: it can be "
                    "guessed.",
                    hint="Put a key that python manage.py generate_otp_key prints before it, run "
                    "python manage.py rotate_otp_keys, and remove it.",
                    id="swap_user.W007",
                )
            )
    return messages


def deploy_check_sessions(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """W008: sessions that nobody can end, because nobody can find them."""
    if hasattr(get_user_model(), "rotate_security_stamp"):
        return []
    try:
        store = import_module(settings.SESSION_ENGINE).SessionStore
    except (ImportError, AttributeError):
        return []  # Django's own error at the first request names it.
    if hasattr(store, "get_model_class"):
        return []
    return [
        checks.Warning(
            f"SESSION_ENGINE is {settings.SESSION_ENGINE!r}, where the sessions of one user can't "
            "be found: when their sign-in methods change, their other sessions go on.",
            hint='Set SESSION_ENGINE to "django.contrib.sessions.backends.db" or "…cached_db", or '
            "use one of the user models without a password, whose security stamp ends sessions "
            "wherever they lie.",
            id="swap_user.W008",
        )
    ]


def deploy_check_proxy(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """W009: a proxy stands in front, and nobody said where it writes the client address."""
    names = [name for name in _OF_PROXIES if getattr(settings, name)]
    if not names or value("OTP_CLIENT_ADDRESS_HEADER") != "":
        return []
    return [
        checks.Warning(
            f"{' and '.join(names)} says that a proxy stands in front of the site, but not where "
            "it writes the client address: limits for each address may count the proxy's.",
            hint=f"Set {NAMESPACE}['OTP_CLIENT_ADDRESS_HEADER'] to the header that the proxy "
            'overwrites or adds to, such as "X-Forwarded-For".',
            id="swap_user.W009",
        )
    ]


def deploy_check_chance(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """W010: limits that are higher than a year of guessing allows."""
    try:
        chance = budgets.yearly_chance()
    except ImproperlyConfigured:
        return []  # E004 says so.
    if chance < _CHANCE:
        return []
    return [
        checks.Warning(
            f"With these limits, who guesses at one account for a year gets in with a chance of "
            f"1 in {1 / chance:,.0f}.",
            hint=f"Lower OTP_GUESSES_PER_ACCOUNT, OTP_GUESSES_PER_CODE, OTP_SENDS_PER_ACCOUNT or "
            f"OTP_SENDS_TO_ALL_NEWCOMERS in {NAMESPACE}: the defaults stay below 1 in "
            f"{1 / _CHANCE:,.0f}.",
            id="swap_user.W010",
        )
    ]


ALL = (
    deploy_check_keys,
    deploy_check_sender,
    deploy_check_eviction,
    deploy_check_session_cookie,
    deploy_check_weak_keys,
    deploy_check_sessions,
    deploy_check_proxy,
    deploy_check_chance,
)
