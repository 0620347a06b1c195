"""Functions that several system checks use."""

import inspect
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from swap_user.conf import NAMESPACE, swap_user_settings

Messages = list[checks.CheckMessage]


def value(name: str) -> Any:
    """Return the value of a setting, or None if ``check_settings()`` reports it as wrong."""
    try:
        return getattr(swap_user_settings, name)
    except ImproperlyConfigured:
        return None


def not_yet_or_wrong(
    setting: str, message: str, *, hint: str, not_yet: str, wrong: str, needed: bool = False
) -> checks.CheckMessage:
    """
    Return a warning if the project does not define ``setting`` yet, else an error.

    During an installation, ``migrate`` may run before the project defines the setting. An error
    would stop the command, although a migration needs neither a cache nor a backend.

    Args:
        setting: the name of a Django setting.
        message: the message of the check.
        hint: the hint of the check.
        not_yet: the id of the warning.
        wrong: the id of the error.
        needed: whether the project already needs the setting, so that a missing one is an error.
    """
    if needed or settings.is_overridden(setting):  # type: ignore[misc]
        return checks.Error(message, hint=hint, id=wrong)
    return checks.Warning(message, hint=hint, id=not_yet)


def load(
    name: str, base: type, *, example: str, not_found: str, not_fit: str, public: str = ""
) -> tuple[Any, Messages]:
    """
    Import the class that a setting names.

    Args:
        name: the key in ``SWAP_USER``.
        base: the class must be a subclass of it.
        example: a dotted path for the hint.
        not_found: the id of the error for a path that can't be imported.
        not_fit: the id of the error for a class that is abstract or not a subclass.
        public: the dotted path under which projects import ``base``, if it is not that of its
            module.

    Returns:
        The class and an empty list, or None and the messages.
    """
    path = value(name)
    if path is None:
        return None, []
    where = f"{NAMESPACE}[{name!r}]"
    try:
        found = import_string(path)
    except Exception as error:  # noqa: BLE001 - a module of the project may raise any exception
        hint = f'Name a class by its dotted path, such as "{example}".'
        message = f"{where} can't be imported: {error}"
        return None, [checks.Error(message, hint=hint, id=not_found)]
    if inspect.isclass(found) and issubclass(found, base):
        if not inspect.isabstract(found):
            return found, []
        abstract: Any = found
        missing = ", ".join(sorted(abstract.__abstractmethods__))
        message = f"{where} is {found.__qualname__}, which is abstract."
        hint = f"Define {missing} as described in {base.__name__}."
        return None, [checks.Error(message, hint=hint, id=not_fit)]
    hint = f"Name a subclass of {public or f'{base.__module__}.{base.__qualname__}'}."
    message = f"{where} is {path}, which is not a subclass of {base.__name__}."
    return None, [checks.Error(message, hint=hint, id=not_fit)]
