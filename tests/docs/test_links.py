"""Links and images lead somewhere, and every page is in the menu."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import ROOT
from tests.docs.reading import FENCED, PAGES, pyproject

_PROSE = re.compile(r"^ *```.*?^ *```|`[^`\n]*`", re.DOTALL | re.MULTILINE)
_LINK = re.compile(
    r"\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$|(?:src|srcset|href)=\"([^\"]+)\"", re.MULTILINE
)
# A page or an image of this repository, as PyPI's copy of the README points to it.
_PUBLISHED = re.compile(r"https://github\.com/[\w-]+/[\w-]+/(?:blob|raw)/main/")


def links(page: Path) -> list[str]:
    return ["".join(groups) for groups in _LINK.findall(_PROSE.sub("", page.read_text()))]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and MyST make them."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text()), re.MULTILINE)
    return {
        re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", "-") for heading in headings
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_images(page):
    """What a page points to inside this repository is there."""
    for link in links(page):
        target, _, anchor = link.partition("#")
        if published := _PUBLISHED.match(target):
            there = ROOT / target[published.end() :]
        elif target.startswith("https://"):
            continue
        else:
            there = (page.parent / target).resolve() if target else page
        assert there.is_file(), f"{page.name} points to {target}"
        if there.suffix == ".md" and anchor:
            assert anchor in anchors(there), f"{page.name} points to {target}#{anchor}"


def test_links_of_the_readme_work_on_pypi():
    """None is relative, each is used, and those to this project name its repository."""
    text = (ROOT / "README.md").read_text()
    repository = pyproject()["project"]["urls"]["Source"]
    for link in links(ROOT / "README.md"):
        assert link.startswith(("#", f"{repository}/blob/main/", f"{repository}/raw/main/")), link
    defined = re.findall(r"^\[([^\]]+)\]: ", text, re.MULTILINE)
    assert set(re.findall(r"\]\[([^\]]+)\]", text)) == set(defined)


def test_links_of_the_package():
    """What PyPI shows beside the README: pages of this repository, and its issues."""
    urls = pyproject()["project"]["urls"]
    repository = urls["Source"]
    assert set(urls) >= {"Homepage", "Documentation", "Changelog", "Issues", "Security"}
    for url in urls.values():
        if published := _PUBLISHED.match(url):
            assert (ROOT / url[published.end() :]).is_file(), url
        assert url in (repository, f"{repository}/issues") or url.startswith(f"{repository}/blob/")


def test_every_page_is_in_the_menu():
    """Once, and the menu names no other; the first page holds the menu."""
    toctrees = re.findall(
        r"^:::\{toctree\}\n(.*?)^:::$",
        (ROOT / "docs/index.md").read_text(),
        re.DOTALL | re.MULTILINE,
    )
    lines = [line for each in toctrees for line in each.splitlines() if line and line[0] != ":"]
    named = [re.sub(r"^.*<(.*)>$", r"\1", line) for line in lines]
    pages = {str(page.relative_to(ROOT / "docs").with_suffix("")) for page in PAGES[1:]}
    assert sorted(named) == sorted(pages - {"index"})
