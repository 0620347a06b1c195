"""One key of the SWAP_USER setting: typed, and read when used, so that override_settings works."""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar, overload

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

NAMESPACE = "SWAP_USER"

T = TypeVar("T")


class Setting(Generic[T]):
    """
    One key of ``SWAP_USER``.

    Args:
        default: the value when the project names none; its type is the type that is asked for.
        minimum: the smallest number that is allowed.
        maximum: the largest number that is allowed.
        help_text: what it is, with its unit.
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
        # What was found right last: a login reads many settings.
        self._last: object = None

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> "Setting[T]": ...

    @overload
    def __get__(self, instance: object, owner: type) -> T: ...

    def __get__(self, instance: object | None, owner: type) -> "T | Setting[T]":
        if instance is None:
            return self
        value = configured().get(self.name, self.default)
        if value is not self._last:
            # System checks say this earlier and better, but not every server runs them.
            if problem := self.problem(value):
                raise ImproperlyConfigured(f"{NAMESPACE}[{self.name!r}] {problem}")
            self._last = value
        return value  # type: ignore[no-any-return]

    def problem(self, value: object) -> str | None:
        """Return what is wrong with ``value`` as the end of a sentence, or None."""
        # bool is an int to Python, never to a person who writes settings.
        if isinstance(self.default, bool):
            fits, wanted = isinstance(value, bool), "True or False"
        elif isinstance(self.default, int):
            fits, wanted = isinstance(value, int) and not isinstance(value, bool), "a whole number"
        elif isinstance(self.default, str):
            fits, wanted = isinstance(value, str), "a string"
        else:
            fits, wanted = _is_list_of_strings(value), "a list of strings"
        if not fits:
            # The value itself is never repeated: it may be a key.
            return f"must be {wanted}, not {type(value).__name__}."
        return self._problem_with_range(value) if isinstance(value, int) else None

    def _problem_with_range(self, value: int) -> str | None:
        if self.minimum is not None and value < self.minimum:
            return f"must be at least {self.minimum}, not {value}."
        if self.maximum is not None and value > self.maximum:
            return f"must be at most {self.maximum}, not {value}."
        return None


def _is_list_of_strings(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)


def configured() -> Mapping[str, Any]:
    """
    Return the project's ``SWAP_USER``, empty when there is none.

    Raises:
        ImproperlyConfigured: it is not a dict.
    """
    value = getattr(settings, NAMESPACE, {})
    # Nearly always a dict; the question for any mapping takes long.
    if type(value) is not dict and not isinstance(value, Mapping):
        raise ImproperlyConfigured(f"{NAMESPACE} must be a dict, not {type(value).__name__}.")
    return value
