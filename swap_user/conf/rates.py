"""
The classes of OTP_LIMITS and of the limits in it.

A limit is written as a rate that shows its period, such as "16/365d". Only the count can be
changed. The period is part of the design: the arithmetic of a year depends on it, and so does how
long Redis or the database stores what is counted.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from swap_user.conf.setting import NAMESPACE, Setting, did_you_mean

_SECONDS = {"h": 3600, "d": 86_400}

# int() refuses texts of thousands of digits, so longer counts are no rates.
_COUNT = re.compile(r"[0-9]{1,18}")

_NOTHING = object()


class Limit:
    """
    One limit of ``OTP_LIMITS``.

    Args:
        name: its key in the dict.
        rate: the default, such as "16/365d".
        maximum: the highest count that is allowed. The lowest is 0, which allows none.
        help_text: what is counted.
        required: whether there is always a limit. If not, the default is None, and ``rate`` is an
            example.
    """

    minimum = 0

    def __init__(
        self, name: str, rate: str, *, maximum: int, help_text: str, required: bool = True
    ) -> None:
        self.name = name
        self.example = rate
        self.default = rate if required else None
        self.maximum = maximum
        self.help_text = help_text
        self.required = required
        self.period = rate.partition("/")[2]
        self.seconds = int(self.period[:-1]) * _SECONDS[self.period[-1]]
        # The last value that was found valid, and its count.
        self._last: tuple[object, int | None] = (_NOTHING, 0)

    def count(self, value: object) -> int | None:
        """
        Return the count of a rate, or None for no limit. An unchanged value is not read again.

        Args:
            value: a rate with the period of this limit, or its count alone.

        Raises:
            ValueError: the value is not allowed. The text is the end of a sentence.
        """
        last, count = self._last
        if value is not last:
            count = self._parse(value)
            self._last = value, count
        return count

    def problem(self, value: object) -> str | None:
        """Return None if ``value`` is allowed, else the reason as the end of a sentence."""
        try:
            self._parse(value)
        except ValueError as error:
            return str(error)
        return None

    def _parse(self, value: object) -> int | None:
        if value is None and not self.required:
            return None
        # bool is a subclass of int, but True is not meant as a number.
        if isinstance(value, int) and not isinstance(value, bool):
            count = int(value)
        elif isinstance(value, str) and self._is_rate(value):
            count = int(value.partition("/")[0])
        else:
            wanted = f"a rate per {self.period}, such as {self.example!r}"
            none = "" if self.required else "None or "
            raise ValueError(f"must be {none}{wanted}, not {_shown(value)}.")
        if count < self.minimum:
            raise ValueError(f"must be at least {self.minimum}, not {_shown(count)}.")
        if count > self.maximum:
            raise ValueError(f"must be at most {self.maximum}, not {_shown(count)}.")
        return count

    def _is_rate(self, text: str) -> bool:
        count, _, period = text.partition("/")
        return period == self.period and _COUNT.fullmatch(count) is not None


class LimitsSetting(Setting[Mapping[str, Any]]):
    """
    The key ``OTP_LIMITS``: a dict of rates. A limit that is not in it has its default.

    Args:
        limits: all limits, in the order of the documentation.
        help_text: what the value means.
    """

    def __init__(self, limits: Sequence[Limit], *, help_text: str) -> None:
        super().__init__({}, help_text=help_text)
        self.limits = {limit.name: limit for limit in limits}

    def problems(self, value: object) -> Iterator[tuple[str, str]]:
        """Yield what is wrong with each limit in ``value``: a sentence, and a hint."""
        where = f"{NAMESPACE}[{self.name!r}]"
        if not isinstance(value, Mapping):
            yield f"{where} must be a dict, not {type(value).__name__}.", self.help_text
            return
        for name, rate in value.items():
            limit = self.limits.get(name)
            if limit is None:
                yield f"{where} has the unknown limit {name!r}.", did_you_mean(name, self.limits)
            elif problem := limit.problem(rate):
                yield f"{where}[{name!r}] {problem}", limit.help_text


def _shown(value: object) -> str:
    """Return a simple value as a message shows it, or the type of any other value."""
    # A whole number of thousands of digits can't be converted to text.
    small = isinstance(value, int) and abs(value) < 10**18
    if value is None or small or (isinstance(value, str) and len(value) <= 40):
        return repr(value)
    return type(value).__name__
