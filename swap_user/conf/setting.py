"""
The class of a key of the SWAP_USER setting.

A value is read each time it is used, so that override_settings works.
"""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Generic, Self, TypeVar, overload

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

NAMESPACE = "SWAP_USER"

T = TypeVar("T")

_NOTHING = object()


class Setting(Generic[T]):
    """
    One key of ``SWAP_USER``.

    Args:
        default: the value if the project sets none. The project's value must have the same type.
        help_text: what the value means, with its unit.
        minimum: the smallest allowed number.
        maximum: the largest allowed number.
    """

    name: str

    def __init__(
        self,
        default: T,
        *,
        help_text: str,
        minimum: int | None = None,
        maximum: int | None = None,
    ) -> None:
        self.default = default
        self.help_text = help_text
        self.minimum = minimum
        self.maximum = maximum
        # The last value that was found valid. A login reads many settings, so an unchanged value is
        # not validated again.
        self._last: object = _NOTHING

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type) -> T: ...

    def __get__(self, instance: object | None, owner: type) -> T | Self:
        if instance is None:
            return self
        value = configured().get(self.name, self.default)
        if value is not self._last:
            # The system checks report this too, but not every server runs them.
            for problem, _ in self.problems(value):
                raise ImproperlyConfigured(problem)
            self._last = value
        return value  # type: ignore[no-any-return]

    def problems(self, value: object) -> Iterator[tuple[str, str]]:
        """Yield what is wrong with ``value``: a sentence, and a hint."""
        if problem := self._problem(value):
            yield f"{NAMESPACE}[{self.name!r}] {problem}", self.help_text

    def _problem(self, value: object) -> str | None:
        """Return None if ``value`` is allowed, else the reason as the end of a sentence."""
        # bool is a subclass of int, but True is not meant as a number.
        if isinstance(self.default, bool):
            fits, wanted = isinstance(value, bool), "True or False"
        elif isinstance(self.default, int):
            fits, wanted = isinstance(value, int) and not isinstance(value, bool), "a whole number"
        elif isinstance(self.default, str):
            fits, wanted = isinstance(value, str), "a string"
        else:
            fits, wanted = _is_list_of_strings(value), "a list of strings"
        if not fits:
            # The message does not contain the value, which may be an encryption key.
            return f"must be {wanted}, not {type(value).__name__}."
        return self._problem_with_range(value) if isinstance(value, int) else None

    def _problem_with_range(self, value: int) -> str | None:
        if self.minimum is not None and value < self.minimum:
            return f"must be at least {self.minimum}, not {value}."
        if self.maximum is not None and value > self.maximum:
            return f"must be at most {self.maximum}, not {value}."
        return None


class FlagOrPath(Setting[bool | str]):
    """A setting that is True, False, or the dotted path of a class."""

    def _problem(self, value: object) -> str | None:
        if isinstance(value, bool) or (isinstance(value, str) and value):
            return None
        return f"must be True, False, or a dotted path, not {type(value).__name__}."


def _is_list_of_strings(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)


def configured() -> Mapping[str, Any]:
    """
    Return the project's ``SWAP_USER``, or an empty dict if it is not set.

    Raises:
        ImproperlyConfigured: the setting is not a dict.
    """
    value = getattr(settings, NAMESPACE, {})
    # type() is compared first, because isinstance() with an abstract class is slow.
    if type(value) is not dict and not isinstance(value, Mapping):
        raise ImproperlyConfigured(f"{NAMESPACE} must be a dict, not {type(value).__name__}.")
    return value


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return a hint for an unknown name: the known name that is closest, or all of them."""
    names = list(known)
    close = get_close_matches(str(name), names, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"Allowed are: {', '.join(names)}."
