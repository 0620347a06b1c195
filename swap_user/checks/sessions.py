"""System checks of the session engine, most of them run by `manage.py check --deploy`."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import checks
from django.core.management import get_commands
from django.utils.module_loading import import_string

from swap_user.checks import urls
from swap_user.checks.helpers import Messages, load
from swap_user.middleware import LoginSessionMiddleware
from swap_user.otp.policies import AnyCode
from swap_user.otp.sessions import engines

_LIFETIMES = ("app_session_idle", "app_session_lifetime")
_SHORTEST, _LONGEST = timedelta(minutes=1), timedelta(days=3650)


def check_app_sessions(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """E027: the policy has wrong lifetimes of sessions. E028: no engine can store those of apps."""
    policy, wrong = load("OTP_POLICY_CLASS", AnyCode, example="", not_found="", not_fit="")
    if wrong or policy is None or not urls.api_is_served():
        return []
    idle, lifetime = (getattr(policy, name) for name in _LIFETIMES)
    messages: Messages = []
    are_times = isinstance(idle, timedelta) and isinstance(lifetime, timedelta)
    if not are_times or not _SHORTEST <= idle <= lifetime <= _LONGEST:
        messages.append(
            checks.Error(
                f"{policy.__qualname__}: {_LIFETIMES[0]} is {idle!r}, and {_LIFETIMES[1]} is "
                f"{lifetime!r}.",
                hint="Both must be a timedelta of 1 minute to 3650 days, the first one not longer "
                "than the second one.",
                id="swap_user.E027",
            )
        )
    try:
        engines.app_store_class()
    except RuntimeError:
        messages.append(
            checks.Error(
                f"SESSION_ENGINE is {settings.SESSION_ENGINE!r}, which stores no sessions on the "
                "server, and the table of sessions does not exist: no app can log in.",
                hint='Add "django.contrib.sessions" to INSTALLED_APPS, or choose another engine.',
                id="swap_user.E028",
            )
        )
    except (ImportError, AttributeError):
        pass  # Django raises its own error at the first request
    return messages


def deploy_check_ending(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """W008: the sessions of a user can't be ended, because they are stored in cookies only."""
    if hasattr(get_user_model(), "rotate_security_stamp") or _engine_has(keys=True) is not False:
        return []
    return [
        checks.Warning(
            f"SESSION_ENGINE is {settings.SESSION_ENGINE!r}, which stores sessions in cookies: "
            "when a user's sign-in methods change, their other sessions stay logged in.",
            hint='Set SESSION_ENGINE to "django.contrib.sessions.backends.db" or another engine '
            "that stores sessions on the server, or use one of the user models without a password: "
            "their security stamp ends sessions in any engine.",
            id="swap_user.W008",
        )
    ]


def deploy_check_following(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """W015: the records of sessions miss new session keys without the middleware."""
    if not _engine_has(keys=True) or _engine_has(signal=True) or _has_middleware():
        return []
    return [
        checks.Warning(
            f"SESSION_ENGINE is {settings.SESSION_ENGINE!r}, for which Django does not tell when "
            "the key of a session changes. Afterwards the session is not found when the sessions "
            "of its user are listed or ended.",
            hint='Add "swap_user.middleware.LoginSessionMiddleware" to MIDDLEWARE, after '
            "AuthenticationMiddleware.",
            id="swap_user.W015",
        )
    ]


def deploy_check_clearsessions(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """W016: `clearsessions` is the command of another app, which leaves the records of sessions."""
    if not apps.is_installed("swap_user") or not _engine_has(keys=True):
        return []
    owner = get_commands().get("clearsessions")
    if owner == "swap_user":
        return []
    return [
        checks.Warning(
            f"python manage.py clearsessions runs the command of {owner}: the records of expired "
            "sessions, with browsers and networks, are never deleted.",
            hint=f'Move "swap_user" in INSTALLED_APPS above "{owner}".',
            id="swap_user.W016",
        )
    ]


def _engine_has(*, keys: bool = False, signal: bool = False) -> bool | None:
    """Return what the engine has, or None if it can't be imported: Django then raises an error."""
    try:
        return (not keys or engines.has_keys()) and (not signal or engines.tells_saves())
    except (ImportError, AttributeError, RuntimeError):
        return None


def _has_middleware() -> bool:
    return any(_is_ours(path) for path in settings.MIDDLEWARE)


def _is_ours(path: str) -> bool:
    try:
        middleware = import_string(path)
    except Exception:  # noqa: BLE001 - a module of the project may raise any exception
        return False
    return isinstance(middleware, type) and issubclass(middleware, LoginSessionMiddleware)
