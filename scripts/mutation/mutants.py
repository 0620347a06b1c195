"""The mutants of a file: what is changed, and the changed code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

from scripts.mutation import lua_edits, python_edits

ROOT = Path(__file__).parents[2]

AT_START = {
    "swap_user/otp/sessions/first_receiver_hack.py",
    "swap_user/otp/sessions/receivers.py",
}
"""Files whose functions are called while Django starts: a running process can't be changed."""


@dataclass(slots=True, frozen=True)
class Mutant:
    """
    One change of one file.

    Attributes:
        path: the file, relative to the root.
        number: of the change, among the changes of the file.
        lines: first and last line of the statement.
        name: the change without line numbers, so that it can be named in `explained.txt`.
        is_live: a running process can be changed. Otherwise the module is imported again.
    """

    path: str
    number: int
    lines: tuple[int, int]
    name: str
    is_live: bool

    @property
    def is_lua(self) -> bool:
        """It changes a script for Redis."""
        return self.path.endswith(".lua")

    def __str__(self) -> str:
        return f"{self.path}:{self.lines[0]}  {self.name.partition(': ')[2]}"


def mutants(path: Path) -> Iterator[Mutant]:
    """Yield all mutants of a file."""
    source = path.read_text()
    relative = str(path.relative_to(ROOT))
    names: dict[str, int] = {}

    def unique(name: str) -> str:
        names[name] = names.get(name, 0) + 1
        return name if names[name] == 1 else f"{name} #{names[name]}"

    if path.suffix == ".lua":
        for number, (line, before, after) in enumerate(lua_edits.edits(source)):
            name = unique(f"{relative}: {before.strip()} → {after.strip() or 'removed'}")
            yield Mutant(relative, number, (line, line), name, True)
    else:
        for number, edit in enumerate(python_edits.edits(ast.parse(source))):
            change = f"{edit.before} → {edit.after}"
            name = unique(f"{relative}: {edit.scope + ': ' if edit.scope else ''}{change}")
            is_live = edit.is_live and relative not in AT_START
            yield Mutant(relative, number, edit.lines, name, is_live)


def changed_script(mutant: Mutant) -> str:
    """Return the source of a changed script."""
    source = (ROOT / mutant.path).read_text()
    line, _, new = list(lua_edits.edits(source))[mutant.number]
    return lua_edits.apply(source, line, new)


def changed_code(mutant: Mutant) -> CodeType:
    """Return the code of a changed module."""
    path = ROOT / mutant.path
    tree = ast.parse(path.read_text())
    list(python_edits.edits(tree))[mutant.number].apply()
    return compile(ast.fix_missing_locations(tree), str(path), "exec")
