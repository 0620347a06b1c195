"""System checks: a mistake in the settings is told before it meets a visitor."""

import inspect
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import checks
from django.core.cache import InvalidCacheBackendError, caches
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.utils.module_loading import import_string

from swap_user.conf import NAMESPACE, configured, declared, swap_user_settings
from swap_user.former import FORMER
from swap_user.otp.encryption import decode_key
from swap_user.otp.policies import AnyCode
from swap_user.otp.senders import AbstractOTPSender, EmailOTPSender
from swap_user.otp.store import is_redis

BACKEND = "swap_user.backends.OTPBackend"
STDOUT_SENDER = "swap_user.otp.senders.StdOutOTPSender"

Messages = list[checks.CheckMessage]


def register_checks() -> None:
    """Register every check of this package; ``SwapUserConfig.ready`` calls it."""
    for check in (
        check_settings,
        check_keys,
        check_cache,
        check_backend,
        check_sender,
        check_policy,
    ):
        checks.register(check, checks.Tags.security)
    for check in (deploy_check_keys, deploy_check_sender):
        checks.register(check, checks.Tags.security, deploy=True)


def check_swap_user_installed(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """E001: the OTP admin site needs the app that holds the authenticators."""
    if apps.is_installed("swap_user"):
        return []
    return [
        checks.Error(
            '"swap_user.apps.OTPSiteConfig" is installed without "swap_user".',
            hint='Add "swap_user" to INSTALLED_APPS.',
            id="swap_user.E001",
        )
    ]


def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """E002: not a dict. E003: an unknown key. E004: a value that can't be."""
    try:
        given = configured()
    except ImproperlyConfigured as error:
        hint = f'Write {NAMESPACE} = {{"OTP_SENDER_CLASS": "…"}}.'
        return [checks.Error(str(error), hint=hint, id="swap_user.E002")]
    known = {setting.name: setting for setting in declared()}
    messages: Messages = []
    for name, value in given.items():
        if name not in known:
            messages.append(
                checks.Error(
                    f"{NAMESPACE} has the unknown key {name!r}.",
                    hint=_hint_for_unknown(name, list(known)),
                    id="swap_user.E003",
                )
            )
        elif problem := known[name].problem(value):
            messages.append(
                checks.Error(
                    f"{NAMESPACE}[{name!r}] {problem}",
                    hint=known[name].help_text,
                    id="swap_user.E004",
                )
            )
    return messages


def check_keys(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """E005: an encryption key that is none."""
    messages: Messages = []
    for position, text in enumerate(_value("OTP_ENCRYPTION_KEYS") or ()):
        try:
            decode_key(text)
        except ValueError as error:
            messages.append(
                checks.Error(
                    f"{NAMESPACE}['OTP_ENCRYPTION_KEYS'][{position}] {error}.",
                    hint="python manage.py generate_otp_key prints a key.",
                    id="swap_user.E005",
                )
            )
    return messages


def check_cache(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """E006: no such cache. E007: a cache that is not Redis. W003: none was chosen yet."""
    alias = _value("OTP_CACHE")
    if alias is None:
        return []
    try:
        cache = caches[alias]
    except (InvalidCacheBackendError, ImportError) as error:
        hint = f"Define CACHES[{alias!r}], or name another alias in {NAMESPACE}['OTP_CACHE']."
        return [
            checks.Error(f"CACHES[{alias!r}]: {error}", hint=hint, id="swap_user.E006"),
        ]
    if is_redis(cache):
        return []
    return [
        _not_yet_or_wrong(
            "CACHES",
            f"CACHES[{alias!r}] is {type(cache).__name__}, but one-time codes need Redis: "
            "only there can a code be used up in one atomic step, by all processes at once.",
            hint='Set its BACKEND to "django.core.cache.backends.redis.RedisCache" or '
            f'"django_redis.cache.RedisCache", or name another alias in {NAMESPACE}["OTP_CACHE"].',
            not_yet="swap_user.W003",
            wrong="swap_user.E007",
        )
    ]


def check_backend(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """E008: no backend that takes a code. W004: none was listed yet."""
    for path in settings.AUTHENTICATION_BACKENDS:
        try:
            backend = import_string(path)
        except ImportError:
            continue  # Django's own error at the first login names it.
        # A project may list a subclass of ours.
        if any(f"{base.__module__}.{base.__qualname__}" in _OURS for base in _bases(backend)):
            return []
    return [
        _not_yet_or_wrong(
            "AUTHENTICATION_BACKENDS",
            "No backend in AUTHENTICATION_BACKENDS takes a one-time code: nobody can log in "
            "with one.",
            hint=f'Add "{BACKEND}" to AUTHENTICATION_BACKENDS.',
            not_yet="swap_user.W004",
            wrong="swap_user.E008",
        )
    ]


_OURS = {"swap_user.backends.otp.OTPBackend"}


def check_sender(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """E009: no such sender. E010: not a sender. E011: nothing to send emails to."""
    sender, messages = _load(
        "OTP_SENDER_CLASS",
        AbstractOTPSender,
        example="swap_user.otp.senders.EmailOTPSender",
        not_found="swap_user.E009",
        not_fit="swap_user.E010",
    )
    if sender is None:
        return messages
    if inspect.isabstract(sender):
        missing = ", ".join(sorted(sender.__abstractmethods__))
        return [
            checks.Error(
                f"{NAMESPACE}['OTP_SENDER_CLASS'] is {sender.__qualname__}, which is still "
                "abstract.",
                hint=f"Define {missing}(self, receiver: str, otp: str, **kwargs).",
                id="swap_user.E010",
            )
        ]
    if issubclass(sender, EmailOTPSender) and sender.get_receiver is EmailOTPSender.get_receiver:
        return _check_email_field()
    return []


def check_policy(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """E012: no such policy. E013: not a policy."""
    _, messages = _load(
        "OTP_POLICY_CLASS",
        AnyCode,
        example="swap_user.otp.policies.AuthenticatorOnceEnrolled",
        not_found="swap_user.E012",
        not_fit="swap_user.E013",
    )
    return messages


def deploy_check_keys(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """W001: secrets are encrypted with a key that follows from SECRET_KEY."""
    if _value("OTP_ENCRYPTION_KEYS"):
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
    if _value("OTP_SENDER_CLASS") != STDOUT_SENDER:
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


def _value(name: str) -> Any:
    """Return a setting, or None where ``check_settings`` already says what is wrong with it."""
    try:
        return getattr(swap_user_settings, name)
    except ImproperlyConfigured:
        return None


def _not_yet_or_wrong(
    setting: str, message: str, *, hint: str, not_yet: str, wrong: str
) -> checks.CheckMessage:
    """
    Return a warning while the project has not written ``setting`` at all, else an error.

    Whoever installs step by step migrates before they come to that setting, and an error would
    stop the migration, which needs neither a cache nor a backend.
    """
    if settings.is_overridden(setting):  # type: ignore[misc]
        return checks.Error(message, hint=hint, id=wrong)
    return checks.Warning(message, hint=hint, id=not_yet)


def _load(
    name: str, base: type, *, example: str, not_found: str, not_fit: str
) -> tuple[Any, Messages]:
    """Return the class that a setting names, or None and what is wrong with it."""
    path = _value(name)
    if path is None:
        return None, []
    where = f"{NAMESPACE}[{name!r}]"
    try:
        found = import_string(path)
    except Exception as error:  # noqa: BLE001 - the project's module may raise anything
        hint = f'Name a class by its dotted path, such as "{example}".'
        message = f"{where} can't be imported: {error}"
        return None, [checks.Error(message, hint=hint, id=not_found)]
    if inspect.isclass(found) and issubclass(found, base):
        return found, []
    hint = f"Name a subclass of {base.__module__}.{base.__qualname__}."
    message = f"{where} is {path}, which can't serve as one."
    return None, [checks.Error(message, hint=hint, id=not_fit)]


def _hint_for_unknown(name: object, known: list[str]) -> str:
    if name in FORMER:
        successor = FORMER[str(name)]
        return f"It is now {successor}." if successor else "It went with 0.9.8: remove it."
    close = get_close_matches(str(name), known, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"It may have: {', '.join(known)}."


def _bases(backend: object) -> Sequence[type]:
    return inspect.getmro(backend) if inspect.isclass(backend) else ()


def _check_email_field() -> Messages:
    user_model = get_user_model()
    # Not get_email_field_name(): phone models answer it with a field that holds no address.
    name = getattr(user_model, "EMAIL_FIELD", "email")
    try:
        user_model._meta.get_field(name)
    except FieldDoesNotExist:
        return [
            checks.Error(
                f"Codes go out by email, but {user_model._meta.label} has no field {name!r}.",
                hint=f"Set {NAMESPACE}['OTP_SENDER_CLASS'] to a sender that reaches these users, "
                "or override its get_receiver(user).",
                id="swap_user.E011",
            )
        ]
    return []
