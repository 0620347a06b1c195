"""
The old names of modules that have moved since the alpha releases.

Settings, code and migrations of projects contain these names, and so do jobs that wait in a task
queue. An old name works for one minor release. Importing it issues a DeprecationWarning with the
new public name.
"""

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

MOVED = {
    # In migrations of subclassed user models, and in their admin classes.
    "swap_user.base_admin": "swap_user.users.admin",
    "swap_user.base_managers": "swap_user.users.managers",
    "swap_user.base_models": "swap_user.users.models",
    "swap_user.fields": "swap_user.users.fields",
    "swap_user.identity": "swap_user.users.usernames",
    "swap_user.phones": "swap_user.users.phone",
    # In settings and code.
    "swap_user.backends.otp": "swap_user.backends",
    "swap_user.otp.dispatch": "swap_user.otp.dispatchers",
    "swap_user.otp.enrollment": "swap_user.otp.verification.enrollment",
    "swap_user.otp.recovery": "swap_user.otp.authenticators.recovery_codes",
    "swap_user.otp.reset": "swap_user.otp.sessions.reset",
    "swap_user.otp.revocation": "swap_user.otp.authenticators.revocation",
    "swap_user.otp.rotation": "swap_user.otp.authenticators.rotation",
    # In task queues.
    "swap_user.otp.tasks": "swap_user.otp.background.django_tasks",
}

# Functions that were renamed when their module moved, by their old path.
_RENAMED = {
    "swap_user.otp.recovery.remaining": "remaining_recovery_codes",
    "swap_user.otp.reset.reset": "reset_user",
    "swap_user.otp.revocation.remove": "remove_authenticator",
    "swap_user.otp.rotation.rotate": "rotate_keys",
}


class _Finder(MetaPathFinder, Loader):
    """Finds the modules in MOVED."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a spec for a module that has moved, else None."""
        return ModuleSpec(fullname, self) if fullname in MOVED else None

    def exec_module(self, module: ModuleType) -> None:
        """Make every attribute of the old module return the attribute of the new module."""
        new = import_module(MOVED[module.__name__])
        text = f"{module.__name__} has moved to {_public_place(new.__name__)}."
        warnings.warn(text, DeprecationWarning, stacklevel=2)

        def get(name: str) -> Any:
            return getattr(new, _RENAMED.get(f"{module.__name__}.{name}", name))

        module.__dict__["__getattr__"] = get
        module.__dict__["__all__"] = [name for name in vars(new) if not name.startswith("_")]


def _public_place(module: str) -> str:
    """Return where a project imports the names of a module: folders in ``otp`` are private."""
    return (
        "swap_user.otp" if module.startswith("swap_user.otp.") and module.count(".") > 2 else module
    )


def new_path(path: str) -> str | None:
    """
    Return the new dotted path of a class or function in a module that has moved, else None.

    Args:
        path: the dotted path that a setting holds.
    """
    module, _, name = path.rpartition(".")
    return f"{MOVED[module]}.{name}" if module in MOVED else None


def install() -> None:
    """Make the old names importable."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())
