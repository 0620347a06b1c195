"""Links and images lead somewhere, and every page is in the menu."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import ROOT
from tests.docs.reading import PAGES

_PROSE = re.compile(r"^ *```.*?^ *```|`[^`\n]*`", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"]+)\"")


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and MkDocs make them."""
    headings = re.findall(r"^#+ (.+)$", _PROSE.sub("", page.read_text()), re.MULTILINE)
    return {
        re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())
        for heading in headings
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_images(page):
    """What a page points to inside this repository is there."""
    for groups in _LINK.findall(_PROSE.sub("", page.read_text())):
        target, _, anchor = "".join(groups).partition("#")
        if target.startswith("https://"):
            continue
        there = (page.parent / target).resolve() if target else page
        assert there.is_file(), f"{page.name} points to {target}"
        if there.suffix == ".md" and anchor:
            assert anchor in anchors(there), f"{page.name} points to {target}#{anchor}"


def test_every_page_is_in_the_menu():
    """And the menu names no other."""
    named = set(re.findall(r"[\w/.-]+\.md", (ROOT / "mkdocs.yml").read_text()))
    assert named == {str(page.relative_to(ROOT / "docs")) for page in PAGES[1:]}
