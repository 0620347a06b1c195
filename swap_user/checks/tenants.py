"""System check of a project whose tenants have users of their own."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import checks
from django.core.cache import caches
from django.utils.module_loading import import_string

from swap_user.checks.helpers import Messages, value
from swap_user.conf import NAMESPACE
from swap_user.otp.dispatchers import AbstractDispatcher, InlineDispatcher
from swap_user.otp.store.connection import has_fixed_prefix


def check_tenants(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """W017: with django-tenants, deliveries or Redis keys are not separate for each tenant."""
    if not apps.is_installed("django_tenants") or not _has_users_in_tenants():
        return []
    missing = [*_of_dispatcher(), *_of_cache()]
    if not missing:
        return []
    return [
        checks.Warning(
            "Each tenant of django-tenants has users of its own, but codes don't know the tenant.",
            hint=f"Set {' and '.join(missing)}.",
            id="swap_user.W017",
        )
    ]


def _has_users_in_tenants() -> bool:
    app = get_user_model()._meta.app_config
    names = {app.name, f"{type(app).__module__}.{type(app).__qualname__}"} if app else set()
    return not names.isdisjoint(getattr(settings, "TENANT_APPS", ()))


def _of_dispatcher() -> list[str]:
    """Return what to set if deliveries would run in the public schema."""
    try:
        dispatcher = import_string(value("OTP_DISPATCHER") or "")
        knows_tenant = dispatcher.job_context is not AbstractDispatcher.job_context
    except Exception:  # noqa: BLE001 - other checks report this
        return []
    if knows_tenant or issubclass(dispatcher, InlineDispatcher):
        return []
    path = "swap_user.contrib.tenants.TenantThreadDispatcher"
    return [f'{NAMESPACE}["OTP_DISPATCHER"] = "{path}" (or TenantTaskDispatcher)']


def _of_cache() -> list[str]:
    """Return what to set if the tenants would share challenges and limits."""
    alias = value("OTP_CACHE")
    try:
        is_shared = has_fixed_prefix(caches[alias])
    except Exception:  # noqa: BLE001 - other checks report this
        return []
    path = "django_tenants.cache.make_key"
    return [f'CACHES["{alias}"]["KEY_FUNCTION"] = "{path}"'] if is_shared else []
