"""The small changes that are made to Lua code, one at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator

SMALL = 100
"""One more than a larger number makes no difference that matters."""

_TOKENS = {
    r"(?<![~<>=])==": "~=",
    r"~=": "==",
    r"<=": "<",
    r"<(?!=)": "<=",
    r">=": ">",
    r">(?!=)": ">=",
    r"\band\b": "or",
    r"\bor\b": "and",
    r"\bnot\s": "",
    r"\btrue\b": "false",
    r"\bfalse\b": "true",
    r" \+ ": " - ",
    r" - ": " + ",
    r", 'KEEPTTL'": "",
}
_STATEMENT = re.compile(r"\s*(redis\.call\(|return\b|[\w.\[\]# +]+ = |[a-z_]+\().*[^{,(]\s*$")
_STRING = re.compile(r"'[^']*'")


def edits(source: str) -> Iterator[tuple[int, str, str]]:
    """Yield every change of a script: the number of the line, the line, and the new line."""
    for number, line in enumerate(source.splitlines(), start=1):
        code = line.partition("--")[0].rstrip()
        for new in _changed(code) if code else ():
            yield number, line, new
        if _STATEMENT.fullmatch(code) and code.count("(") == code.count(")"):
            yield number, line, ""


def _changed(code: str) -> Iterator[str]:
    strings = [match.span() for match in _STRING.finditer(code)]

    def is_code(at: int) -> bool:
        return not any(start < at < end for start, end in strings)

    for pattern, other in _TOKENS.items():
        for match in re.finditer(pattern, code):
            if is_code(match.start()) or other == "":
                yield code[: match.start()] + other + code[match.end() :]
    for match in re.finditer(r"(?<![\w.])\d+\b", code):
        if is_code(match.start()):
            number = int(match[0])
            other = number + 1 if number < SMALL else number * 2
            yield f"{code[: match.start()]}{other}{code[match.end() :]}"


def apply(source: str, number: int, new: str) -> str:
    """Return the source with another line."""
    lines = source.splitlines()
    lines[number - 1] = new
    return "\n".join(lines) + "\n"
