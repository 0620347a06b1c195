"""System checks of login pages that ask for a password alone, and of codes as passwords."""

import inspect
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.views import LoginView
from django.core import checks
from django.utils.module_loading import import_string

from swap_user.backends import CodeAsPasswordBackend, OTPBackend
from swap_user.checks import urls
from swap_user.checks.helpers import Messages
from swap_user.otp.policies import load_policy
from swap_user.otp.sites import OTPAdminSiteMixin

# Views of other packages that are no subclasses of Django's LoginView, by their documented names.
_LOGIN_VIEWS = (
    "allauth.account.views.LoginView",
    "allauth.headless.account.views.LoginView",
    "dj_rest_auth.views.LoginView",
)


def check_login_pages(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """W014: a login page asks for a password alone, so it goes around the policy."""
    if not any(_takes_passwords(path) for path in settings.AUTHENTICATION_BACKENDS):
        return []
    return [
        checks.Warning(
            f"The login page /{route} ({view}) logs users in with a password alone, whatever "
            "OTP_POLICY_CLASS requires.",
            hint="The OTP admin, and pages that require a recent login, ask these users for a code "
            "all the same; all other pages of the site let them in. Remove this URL, or ask for "
            "the code there too: see docs/howto/policies.md. If users may choose between a "
            'password and a code, add "swap_user.W014" to SILENCED_SYSTEM_CHECKS.',
            id="swap_user.W014",
        )
        for route, view in _password_pages().items()
    ]


def check_code_as_password(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """W025: the policy needs more than a code as password. W026: codes are checked too early."""
    backends = [_load(path) for path in settings.AUTHENTICATION_BACKENDS]
    places = [at for at, each in enumerate(backends) if _is(each, CodeAsPasswordBackend)]
    if not places:
        return []
    messages: Messages = []
    if _asks_password():
        messages.append(
            checks.Warning(
                "OTP_POLICY_CLASS requires a password and a code, so CodeAsPasswordBackend, which "
                "gets one of them, refuses every login.",
                hint="Remove it from AUTHENTICATION_BACKENDS, or choose another policy.",
                id="swap_user.W025",
            )
        )
    if any(_takes_passwords(path) for path in settings.AUTHENTICATION_BACKENDS[places[0] :]):
        messages.append(
            checks.Warning(
                "CodeAsPasswordBackend comes before a backend that checks passwords, so a password "
                "of 6 to 10 digits is charged as a wrong code before it is found right.",
                hint="Make CodeAsPasswordBackend the last one in AUTHENTICATION_BACKENDS.",
                id="swap_user.W026",
            )
        )
    return messages


def _asks_password() -> bool:
    """Return whether the policy asks for a password. Another check reports one that fails."""
    try:
        return load_policy().asks_password()
    except Exception:  # noqa: BLE001 - a class of the project may raise any exception
        return False


def _is(found: Any, base: type) -> bool:
    return inspect.isclass(found) and issubclass(found, base)


def _load(path: str) -> Any:
    """Return what a path in AUTHENTICATION_BACKENDS names, or None."""
    try:
        return import_string(path)
    except Exception:  # noqa: BLE001 - a module of the project may raise any exception
        return None


def _takes_passwords(path: str) -> bool:
    """Return whether a backend logs users of this project in with a password."""
    backend = _load(path)
    if not inspect.isclass(backend) or issubclass(backend, (OTPBackend, CodeAsPasswordBackend)):
        return False
    if issubclass(backend, ModelBackend):
        # It compares with the column of the user model.
        return any(field.name == "password" for field in get_user_model()._meta.fields)
    authenticate: Any = getattr(backend, "authenticate", None)
    try:
        return "password" in inspect.signature(authenticate).parameters
    except (TypeError, ValueError):
        return False


def _password_pages() -> dict[str, str]:
    """Return the login pages that ask for a password: the name of each view, by its route."""
    found: dict[str, str] = {}
    try:
        for route, callback in urls.views():
            with suppress(Exception):  # raised by an odd callback
                if view := _password_view(callback):
                    found.setdefault(route, view)
    except Exception:  # noqa: BLE001 - Django's own checks report a URLconf that can't be loaded
        return found
    return found


def _password_view(callback: Any) -> str:
    """Return the name of a view that asks for a password and logs the user in, or ""."""
    # Decorators keep the attribute, if they use functools.wraps().
    view = getattr(callback, "view_class", None)
    if inspect.isclass(view) and issubclass(view, (LoginView, *_other_login_views())):
        return f"{view.__module__}.{view.__qualname__}"
    method = inspect.unwrap(callback)
    site = getattr(callback, "__self__", None) or getattr(method, "__self__", None)
    is_plain = isinstance(site, AdminSite) and not isinstance(site, OTPAdminSiteMixin)
    if is_plain and getattr(method, "__name__", "") == "login":
        return f"{type(site).__module__}.{type(site).__qualname__}.login"
    return ""


def _other_login_views() -> list[type]:
    """Return the login views of other packages that are in use."""
    found = []
    for path in _LOGIN_VIEWS:
        module, _, name = path.rpartition(".")
        # A module that no URLconf has imported is not imported here. Where its package defines the
        # class is its own affair: the class has had other modules than the documented one.
        if inspect.isclass(view := getattr(sys.modules.get(module), name, None)):
            found.append(view)
    return found
