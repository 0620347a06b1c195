"""System checks of the settings."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import checks
from django.core.cache import InvalidCacheBackendError, caches
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

from swap_user import moved
from swap_user.checks import admin_sites, deployment, urls
from swap_user.checks.helpers import Messages, load, not_yet_or_wrong, value
from swap_user.checks.login_pages import check_code_as_password, check_login_pages
from swap_user.checks.neighbours import check_axes
from swap_user.checks.sending import check_dispatcher, check_sender_itself
from swap_user.checks.sessions import check_app_sessions
from swap_user.checks.tenants import check_tenants
from swap_user.checks.upgrade import (
    database_check_groups,
    database_check_upgrade,
    deploy_check_groups,
    deploy_check_upgrade,
)
from swap_user.checks.user_model import check_sign_up, check_username_field
from swap_user.conf import NAMESPACE, configured, declared
from swap_user.conf.renamed import hint_for_former
from swap_user.conf.setting import did_you_mean
from swap_user.otp.crypto.keyring import decode_key
from swap_user.otp.delivery.notices import NOTICES
from swap_user.otp.enforcement import rule
from swap_user.otp.pages.methods.names import ADD
from swap_user.otp.policies import AnyCode
from swap_user.otp.senders import AbstractOTPSender, EmailOTPSender
from swap_user.otp.store.connection import is_redis
from swap_user.otp.verification.unchecked import BACKEND, takes_codes


def register_checks() -> None:
    """Register all checks of this package. ``SwapUserConfig.ready()`` calls it."""
    for check in (
        check_settings,
        check_keys,
        check_cache,
        check_backend,
        check_sender,
        check_sender_itself,
        check_policy,
        check_enrollment,
        check_notices,
        check_dispatcher,
        check_moved,
        check_axes,
        check_username_field,
        check_sign_up,
        check_login_pages,
        check_code_as_password,
        check_tenants,
        urls.check_own_pages,
        check_app_sessions,
        *admin_sites.ALL,
    ):
        checks.register(check, checks.Tags.security)
    for check in deployment.ALL:
        checks.register(check, checks.Tags.security, deploy=True)
    for check in (database_check_upgrade, database_check_groups):
        checks.register(check, checks.Tags.database)
    for check in (deploy_check_upgrade, deploy_check_groups):
        checks.register(check, checks.Tags.security, deploy=True)


def check_swap_user_installed(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """E001: the OTP admin site is installed without the app of the authenticators."""
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
    """E002: SWAP_USER is not a dict. E003: unknown key. E004: value of a wrong type or range."""
    try:
        given = configured()
    except ImproperlyConfigured as error:
        hint = f'Write {NAMESPACE} = {{"OTP_SENDER_CLASS": "…"}}.'
        return [checks.Error(str(error), hint=hint, id="swap_user.E002")]
    known = {setting.name: setting for setting in declared()}
    messages: Messages = []
    for name, given_value in given.items():
        if name in known:
            messages += [
                checks.Error(problem, hint=hint, id="swap_user.E004")
                for problem, hint in known[name].problems(given_value)
            ]
        else:
            messages.append(
                checks.Error(
                    f"{NAMESPACE} has the unknown key {name!r}.",
                    hint=hint_for_former(name, given_value) or did_you_mean(name, known),
                    id="swap_user.E003",
                )
            )
    return messages


def check_keys(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """E005: an encryption key is not 32 bytes in base64."""
    messages: Messages = []
    for position, text in enumerate(value("OTP_ENCRYPTION_KEYS") or ()):
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
    """E006: no such cache. E007: the cache is not Redis. W003: CACHES is not set yet."""
    alias = value("OTP_CACHE")
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
        not_yet_or_wrong(
            "CACHES",
            f"CACHES[{alias!r}] is {type(cache).__name__}, but one-time codes need Redis, where a "
            "code is consumed in one atomic step for all processes. With a cache per process, a "
            "code would work once in each process, and each process would count guesses "
            "separately.",
            hint='Set its BACKEND to "django.core.cache.backends.redis.RedisCache" or '
            f'"django_redis.cache.RedisCache", or name another alias in {NAMESPACE}["OTP_CACHE"].',
            not_yet="swap_user.W003",
            wrong="swap_user.E007",
        )
    ]


def check_backend(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """E008: no backend accepts a one-time code. W004: AUTHENTICATION_BACKENDS is not set yet."""
    for path in settings.AUTHENTICATION_BACKENDS:
        try:
            backend = import_string(path)
        except ImportError:
            continue  # Django raises an error that names the path, at the first login.
        if takes_codes(backend):
            return []
    return [
        not_yet_or_wrong(
            "AUTHENTICATION_BACKENDS",
            "No backend in AUTHENTICATION_BACKENDS accepts a one-time code, so users can't log in "
            "with one.",
            hint=f'Add "{BACKEND}" to AUTHENTICATION_BACKENDS.',
            not_yet="swap_user.W004",
            wrong="swap_user.E008",
            needed=_has_own_pages(),
        )
    ]


def _has_own_pages() -> bool:
    """
    Return whether the own pages of this package are served already.

    The admin does not count: a new project has it from the beginning, before its settings are done.
    """
    try:
        return urls.logins_are_served()
    except Exception:  # noqa: BLE001 - Django reports a URLconf that can't be loaded
        return False


def check_sender(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """E009: no such sender. E010: not a sender. E011: the user model has no email field."""
    sender, messages = load(
        "OTP_SENDER_CLASS",
        AbstractOTPSender,
        example="swap_user.otp.senders.EmailOTPSender",
        not_found="swap_user.E009",
        not_fit="swap_user.E010",
    )
    if sender is None:
        return messages
    if issubclass(sender, EmailOTPSender) and sender.get_receiver is EmailOTPSender.get_receiver:
        return _check_email_field()
    return []


def check_policy(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """E012: no such policy. E013: not a policy."""
    _, messages = load(
        "OTP_POLICY_CLASS",
        AnyCode,
        example="swap_user.otp.policies.AuthenticatorOnceEnrolled",
        not_found="swap_user.E012",
        not_fit="swap_user.E013",
    )
    return messages


def check_enrollment(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """E021: the policy requires apps in a wrong way. W022: no page adds an app."""
    policy, wrong = load("OTP_POLICY_CLASS", AnyCode, example="", not_found="", not_fit="")
    if wrong or policy is None:
        return []  # check_policy() and check_settings() report it
    where = policy.__qualname__
    messages: Messages = [
        checks.Error(f"{where}: {problem}", hint=hint, id="swap_user.E021")
        for problem, hint in rule.problems(policy)
    ]
    if not messages and value("OTP_STAFF_MUST_ENROLL") is not None and rule.is_in(policy):
        messages += _check_add_page(where)
    return messages


def _check_add_page(policy: str) -> Messages:
    for namespace in ("swap_user", "admin"):
        try:
            reverse(f"{namespace}:{ADD}")
        except NoReverseMatch:
            continue
        except Exception:  # noqa: BLE001 - Django reports a URLconf that can't be loaded
            return []
        return []
    return [
        checks.Warning(
            f"{policy} requires users to enroll an authenticator app, but no page adds one.",
            hint='Include "swap_user.otp.urls" in the URLconf, or use the OTP admin site. If your '
            "project has a page of its own, name it in a subclass of EnrollmentMiddleware and "
            "silence this warning.",
            id="swap_user.W022",
        )
    ]


def check_notices(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """E016: OTP_NOTICES names an unknown event."""
    unknown = [name for name in value("OTP_NOTICES") or () if name not in NOTICES]
    return [
        checks.Error(
            f"{NAMESPACE}['OTP_NOTICES'] contains {name!r}, which is not the name of an event.",
            hint=did_you_mean(name, NOTICES),
            id="swap_user.E016",
        )
        for name in unknown
    ]


def check_moved(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """W011: a setting contains a dotted path of the alpha releases that has moved."""
    messages: Messages = []
    for setting in declared():
        path = value(setting.name)
        new = moved.new_path(path) if isinstance(path, str) else None
        if new:
            messages.append(
                checks.Warning(
                    f"{NAMESPACE}[{setting.name!r}] is {path!r}, which has moved.",
                    hint=f'Write "{new}". The old path stops working with the next minor release.',
                    id="swap_user.W011",
                )
            )
    return messages


def _check_email_field() -> Messages:
    user_model = get_user_model()
    # Not get_email_field_name(): models without an email field return the phone field there.
    name = getattr(user_model, "EMAIL_FIELD", "email")
    try:
        user_model._meta.get_field(name)
    except FieldDoesNotExist:
        return [
            checks.Error(
                f"Codes are sent by email, but {user_model._meta.label} has no field {name!r}.",
                hint=f"Set {NAMESPACE}['OTP_SENDER_CLASS'] to a sender that can reach these users, "
                "or override its get_receiver(user).",
                id="swap_user.E011",
            )
        ]
    return []
