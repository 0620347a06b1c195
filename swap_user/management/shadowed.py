"""Commands of this package that extend a command of the same name."""

from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management import find_commands, load_command_class


def shadowed_command(name: str, fallback: Any) -> Any:
    """
    Return the class of the command that would run without the one of this package.

    Args:
        name: the name of the command.
        fallback: the class if no other app has the command.
    """
    for config in apps.get_app_configs():
        folder = Path(config.path) / "management"
        if config.label != "swap_user" and name in find_commands(str(folder)):
            return type(load_command_class(config.name, name))
    return fallback
