"""
Reads the pages of the documentation: their blocks, the projects these belong to, and tables.

A page's blocks build projects. Comments in the page, which readers do not see, say which:

    <!-- project: NAME -->              what follows belongs to this project (`startproject`)
    <!-- project: NAME, from OTHER -->  the same, but it begins with all files of another one
    <!-- needs: MODULE -->              this project is built only where MODULE is installed
    <!-- django >= 6.1 -->              the next block is for these versions of Django (or `< 6.1`)
    <!-- not run: REASON -->            the next block isn't run

Tabs are for readers only: a block in a tab is read like any other. Tabs for versions of Django hold
the comment of that version, tabs for ways to do a thing each name a project of their own.

A block's title is its file. The blocks of `mysite/settings.py` are added to what `startproject`
wrote, those of any other file replace it; lines of `sh` are run in the order of the page. When a
project is complete, Django checks it, without a warning, and its scenario (tests/docs/scenarios)
uses it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import django

from tests import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

SETTINGS = "mysite/settings.py"

REDIS_URL = "redis://127.0.0.1:6379"

_TOKEN = re.compile(
    r"""
      ^(?P<indent>[ ]*)```(?P<language>\w*)(?P<info>[^\n]*)\n(?P<body>.*?)^(?P=indent)```[ ]*$
    | ^[ ]*<!--[ ]*(?P<comment>[^\n]*?)[ ]*-->[ ]*$
    """,
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)

FENCED = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)

_PROJECT = re.compile(r"project: ([\w-]+)(?:, from ([\w-]+))?")

_VERSION = re.compile(r"django (>=|<) (\d+)\.(\d+)")


@dataclass
class Block:
    """What stands between two fences."""

    page: Path
    line: int
    language: str
    title: str
    body: str
    not_run: str = ""
    project: str = ""
    marked: set[int] = field(default_factory=set)

    @property
    def where(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def commands(self) -> list[str]:
        """The lines of a block of `sh`, without comments."""
        lines = (line.split("  #")[0].strip() for line in self.body.splitlines())
        return [line for line in lines if line and not line.startswith("#")]


@dataclass
class Project:
    """The blocks that belong together, in the order of the page."""

    name: str
    base: str = ""
    blocks: list[Block] = field(default_factory=list)
    needs: str = ""


def dedent(body: str, indent: str) -> str:
    return "".join(line.removeprefix(indent) for line in body.splitlines(keepends=True))


def marked_lines(info: str) -> set[int]:
    """Return the lines that `hl_lines` of a fence marks, such as "2 5-7"."""
    found = re.search(r'hl_lines="([^"]+)"', info)
    parts = [part.partition("-") for part in found[1].split()] if found else []
    return {
        number for first, _, last in parts for number in range(int(first), int(last or first) + 1)
    }


def read_page(page: Path, projects: dict[str, Project]) -> Iterator[Block]:
    """Yield the blocks of a page, and put those that are to be run into their projects."""
    text = page.read_text()
    project: Project | None = None
    for_this_version, not_run = True, ""
    for token in _TOKEN.finditer(text):
        comment = token["comment"]
        if comment is None:
            title = re.search(r'title="([^"]+)"', token["info"])
            block = Block(
                page=page,
                line=text.count("\n", 0, token.start()) + 1,
                language=token["language"],
                title=title[1] if title else "",
                body=dedent(token["body"], token["indent"]),
                not_run=not_run,
                project=project.name if project else "",
                marked=marked_lines(token["info"]),
            )
            yield block
            if project and for_this_version and not not_run:
                project.blocks.append(block)
            for_this_version, not_run = True, ""
        elif named := _PROJECT.fullmatch(comment):
            name, base = named[1], named[2] or ""
            project = projects.setdefault(name, Project(name, base))
        elif version := _VERSION.fullmatch(comment):
            new_enough = django.VERSION[:2] >= (int(version[2]), int(version[3]))
            for_this_version = new_enough == (version[1] == ">=")
        elif comment.startswith("needs: ") and project:
            project.needs = comment.removeprefix("needs: ")
        elif comment.startswith("not run: "):
            not_run = comment.removeprefix("not run: ")
        else:
            raise ValueError(f"{page.name}: what is {comment!r}?")


def read_pages() -> tuple[list[Block], dict[str, Project]]:
    projects: dict[str, Project] = {}
    blocks = [block for page in PAGES for block in read_page(page, projects)]
    return blocks, projects


BLOCKS, PROJECTS = read_pages()


def rows(page: str, first_column: str) -> list[list[str]]:
    """Return the cells of every table of a page whose first column has this heading."""
    found = []
    for table in re.findall(r"(?:^\|.*\|\n)+", (ROOT / page).read_text(), re.MULTILINE):
        cells = [[c.strip() for c in row.strip("|").split(" | ")] for row in table.splitlines()]
        if cells[0][0].strip("| ") == first_column:
            found += [[c.strip("| ") for c in row] for row in cells[2:]]
    assert found, f"{page} has no table of {first_column!r}"
    return found


def code(cell: str) -> str:
    """Return what stands in backticks."""
    (text,) = re.findall(r"`([^`]+)`", cell)
    return text


def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())
