"""What the system checks share."""

import inspect
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from swap_user.conf import NAMESPACE, swap_user_settings

Messages = list[checks.CheckMessage]


def value(name: str) -> Any:
    """Return a setting, or None where ``check_settings`` already says what is wrong with it."""
    try:
        return getattr(swap_user_settings, name)
    except ImproperlyConfigured:
        return None


def not_yet_or_wrong(
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


def load(
    name: str, base: type, *, example: str, not_found: str, not_fit: str
) -> tuple[Any, Messages]:
    """Return the class that a setting names, or None and what is wrong with it."""
    path = value(name)
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
        if not inspect.isabstract(found):
            return found, []
        abstract: Any = found
        missing = ", ".join(sorted(abstract.__abstractmethods__))
        message = f"{where} is {found.__qualname__}, which is still abstract."
        hint = f"Define {missing}; {base.__name__} says how."
        return None, [checks.Error(message, hint=hint, id=not_fit)]
    hint = f"Name a subclass of {base.__module__}.{base.__qualname__}."
    message = f"{where} is {path}, which can't serve as one."
    return None, [checks.Error(message, hint=hint, id=not_fit)]
