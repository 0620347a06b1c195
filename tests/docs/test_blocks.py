"""Every block of the pages is run, or the page gives a reason why not."""

from __future__ import annotations

import pytest

from tests.docs.building import MANAGE, runner
from tests.docs.reading import BLOCKS, PAGES


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
    languages = ("python", "html", "css", "ini", "text")
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
