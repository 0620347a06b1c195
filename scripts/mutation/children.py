"""The processes that a test starts get the mutant, too: a .pth file of this Python looks for it."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType

from scripts.mutation.mutants import ROOT, Mutant, changed_code, mutants

VARIABLE = "SWAP_USER_MUTANT"


@contextmanager
def watching() -> Iterator[None]:
    """Let each new process of this Python look for a mutant in its environment."""
    file = Path(sysconfig.get_path("purelib")) / f"swap_user_mutant_{os.getpid()}.pth"
    start = f"sys.path.insert(0, {str(ROOT)!r}); __import__({__name__!r}, fromlist='_').obey()"
    # Runs that were killed have left their file behind, perhaps for another folder.
    asked = f"os.environ.get({VARIABLE!r}, '').startswith({str(ROOT / '_')[:-1]!r})"
    file.write_text(f"import os, sys; {asked} and exec({start!r})\n")
    try:
        yield
    finally:
        file.unlink()


def announce(mutant: Mutant) -> None:
    """Let the processes that this one starts have the mutant."""
    os.environ[VARIABLE] = f"{ROOT / mutant.path}#{mutant.number}"


def obey() -> None:
    """Change the code of this process as its environment says, before it is imported."""
    path, _, number = os.environ.pop(VARIABLE).rpartition("#")
    sys.path.remove(str(ROOT))
    if path.endswith(".py"):
        change(next(each for each in mutants(Path(path)) if each.number == int(number)))


def change(mutant: Mutant) -> None:
    """Let the module of a mutant be imported with its change."""
    changed = changed_code(mutant)
    original = SourceFileLoader.get_code

    def get_code(loader: SourceFileLoader, fullname: str) -> CodeType | None:
        if loader.path == str(ROOT / mutant.path):
            return changed
        return original(loader, fullname)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign]
