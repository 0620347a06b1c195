"""Every block of the pages is run, or the page gives a reason why not."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.docs.building import MANAGE, lineage, runner
from tests.docs.reading import BLOCKS, PAGES, PROJECTS, SETTINGS, Block


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.where)
def test_every_block_is_run_or_says_why_not(block, tmp_path):
    """The pages print nothing that is not tried here."""
    if block.not_run:
        return
    if block.language == "sh":
        for command in block.commands:
            known = block.project if command.startswith(MANAGE) else runner(command)
            assert known, f"{block.where}: what is {command!r}, or in which project?"
            if not block.project:
                runner(command)(command, tmp_path, {})
        return
    assert block.title, f"{block.where}: which file is this? Or why is it not run?"
    assert block.project, f"{block.where}: of which project is this?"
    languages = ("python", "html", "css", "javascript", "ini", "text")
    assert block.language in languages, f"{block.where}: in what language is this?"


def test_no_block_is_overlooked():
    """As many blocks were read as there are fences; none is written in another way."""
    for page in PAGES:
        text = page.read_text()
        mine = [block for block in BLOCKS if block.page == page]
        assert text.count("```") == 2 * len(mine), page
        assert "~~~" not in text, page


@pytest.mark.parametrize(
    "block", [b for b in BLOCKS if b.language == "python"], ids=lambda b: b.where
)
def test_python_fits_a_page(block):
    """It compiles, whichever Django it is for, and no line must be scrolled."""
    compile(block.body, block.where, "exec")
    assert max(map(len, block.body.splitlines())) <= 100


def swap_user_of(block: Block) -> ast.Dict | None:
    """Return the dict that a block of settings assigns to SWAP_USER."""
    if block.title == SETTINGS:
        for node in ast.parse(block.body).body:
            match node:
                case ast.Assign(targets=[ast.Name(id="SWAP_USER")], value=ast.Dict() as found):
                    return found
    return None


def items(found: ast.Dict) -> dict[str, str]:
    pairs = zip(found.keys, found.values, strict=True)
    return {ast.unparse(key): ast.unparse(value) for key, value in pairs if key}


def repeating() -> Iterator[tuple[Block, ast.Dict, dict[str, str]]]:
    """Yield each block in which SWAP_USER repeats items of the block before, and these items."""
    for name in PROJECTS:
        before: dict[str, str] = {}
        for project in lineage(name):
            for block in project.blocks:
                if (found := swap_user_of(block)) is not None:
                    same = dict(items(found).items() & before.items())
                    before = items(found)
                    if project.name == name and same and "\n" in block.body.strip():
                        yield block, found, same


@pytest.mark.parametrize("case", [*repeating()], ids=lambda case: case[0].where)
def test_new_lines_of_settings_are_marked(case):
    """`hl_lines` marks what is not repeated, so that a reader sees what to change."""
    block, found, same = case
    repeated = {found.lineno, found.end_lineno}
    for key, value in zip(found.keys, found.values, strict=True):
        if ast.unparse(key) in same:
            repeated |= {*range(key.lineno, value.end_lineno + 1)}
    lines = enumerate(block.body.splitlines(), 1)
    assert block.marked == {number for number, line in lines if line.strip()} - repeated


def test_the_look_of_a_site_needs_ten_lines():
    """Own pages with the look of the site, besides settings: what the page marks, or is new."""
    blocks = [block for block in PROJECTS["own-pages"].blocks if block.title != SETTINGS]
    lines = {block.title: len(block.marked or block.body.splitlines()) for block in blocks}
    assert lines == {"mysite/urls.py": 2, "templates/swap_user/base.html": 3, "static/brand.css": 5}
