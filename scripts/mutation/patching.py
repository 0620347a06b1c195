"""How a mutant is put in the place of the code that was imported."""

from __future__ import annotations

import functools
import gc
import hashlib
from types import CodeType, FunctionType
from typing import Any

from scripts.mutation.mutants import ROOT, Mutant, changed_code, changed_script
from swap_user.otp.store.scripts import Script


class CannotPatch(Exception):
    """The function needs another closure; the module must be imported again."""


class Imported:
    """
    What the process has imported.

    Every function is found, also those below a decorator, in a dataclass or in a property: only its
    code object is replaced.
    """

    def __init__(self) -> None:
        functions: dict[str, list[FunctionType]] = {}
        self._scripts: list[Script] = []
        self._caches: list[Any] = []
        for each in gc.get_objects():
            if isinstance(each, FunctionType) and each.__code__.co_filename.startswith(str(ROOT)):
                functions.setdefault(each.__code__.co_filename, []).append(each)
            elif isinstance(each, functools._lru_cache_wrapper):
                if each.__module__.startswith(("swap_user", "tests.")):
                    self._caches.append(each)
            elif isinstance(each, Script):
                self._scripts.append(each)
        self._functions = functions

    def forget_results(self) -> None:
        """Empty all caches, so that each test calls the functions itself."""
        for cache in self._caches:
            cache.cache_clear()

    def patch(self, mutant: Mutant) -> None:
        """
        Change the code of this process.

        Raises:
            CannotPatch: the code object can't be replaced.
        """
        if mutant.is_lua:
            self._patch_scripts(body(mutant.path), _without_uses(changed_script(mutant)))
            return
        codes = {_place(code): code for code in _all_codes(changed_code(mutant))}
        for function in self._functions.get(str(ROOT / mutant.path), ()):
            new = codes.get(_place(function.__code__))
            if new is not None and new != function.__code__:
                try:
                    function.__code__ = new
                except ValueError as error:
                    raise CannotPatch from error

    def _patch_scripts(self, old: str, new: str) -> None:
        for script in self._scripts:
            if old in script.source:
                script.source = script.source.replace(old, new)
                script.sha = hashlib.sha1(script.source.encode()).hexdigest()

    def sources(self) -> list[str]:
        """Return the sources of all scripts."""
        return [script.source for script in self._scripts]


def body(path: str) -> str:
    """Return what a script adds to those that use it."""
    return _without_uses((ROOT / path).read_text())


def _without_uses(source: str) -> str:
    first, _, rest = source.partition("\n")
    return rest if first.startswith("-- uses: ") else source


def _all_codes(code: CodeType) -> list[CodeType]:
    nested = [each for each in code.co_consts if isinstance(each, CodeType)]
    return [code, *(inner for each in nested for inner in _all_codes(each))]


def _place(code: CodeType) -> tuple[str, int]:
    return code.co_qualname, code.co_firstlineno
