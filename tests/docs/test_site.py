"""The built documentation shows every block and tab, and loads nothing from elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import ROOT
from tests.docs.reading import BLOCKS, PAGES

pytest.importorskip("sphinx", reason="the extra `docs` is not installed")
bs4 = pytest.importorskip("bs4")  # furo brings it along

pytestmark = pytest.mark.heavy  # the stage "docs" of .ci/run runs them

DOCS = ROOT / "docs"
SOURCES = [page for page in PAGES if page.is_relative_to(DOCS)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the built pages; what Sphinx warns of is an error."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "-q", str(DOCS), str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return folder


def html(text: str) -> Any:
    return bs4.BeautifulSoup(text, "html.parser")


def built_page(site: Path, source: Path) -> Any:
    return html((site / source.relative_to(DOCS).with_suffix(".html")).read_text())


@pytest.mark.parametrize("source", SOURCES, ids=lambda page: str(page.relative_to(DOCS)))
def test_blocks_are_shown_with_their_files(source, site):
    """Readers see and copy what the tests have run, below the name of its file."""
    page = built_page(site, source)
    shown = []
    for text in page.select("article div.highlight > pre"):
        wrapper = text.find_parent("div", class_="literal-block-wrapper")
        title = wrapper.select_one(".code-block-caption > .caption-text").text if wrapper else ""
        shown.append((title, text.text.strip("\n")))
    written = [block for block in BLOCKS if block.page == source]
    assert shown == [(block.title, block.body.strip("\n")) for block in written]


@pytest.mark.parametrize("source", SOURCES, ids=lambda page: str(page.relative_to(DOCS)))
def test_tabs_are_shown(source, site):
    """All those of the page, and no tab is alone: then it would be in the wrong place."""
    page = built_page(site, source)
    titles = [label.text for label in page.select(".tab-set > .tab-label")]
    assert titles == re.findall(r"^ *:{3,}\{tab\} (.+)$", source.read_text(), re.MULTILINE)
    for tabs in page.select(".tab-set"):
        assert len(tabs.find_all("label", class_="tab-label", recursive=False)) > 1


def test_marked_lines(site):
    """`hl_lines` marks lines of a block."""
    marked = built_page(site, DOCS / "tutorial.md").select("pre .hll")
    assert [line.text.strip().split(",")[0] for line in marked] == [
        '"swap_user.apps.OTPSiteConfig"',
        '"swap_user"',
        '"swap_user.to_email_otp"',
    ]


# --- Nothing from elsewhere ---

_ELSEWHERE = re.compile(r"(?:[a-z]+:)?//", re.IGNORECASE)
_IN_CSS = re.compile(r"""(?:@import\s*(?:url\()?|url\()\s*["']?([^"')\s]+)""", re.IGNORECASE)
_IN_SCRIPTS = re.compile(r"""["'`]((?:https?:|wss?:)?//\w[^"'`]*)""", re.IGNORECASE)
_LOADED_BY_LINKS = {"icon", "manifest", "modulepreload", "preconnect", "preload", "stylesheet"}
_NAMESPACES = "http://www.w3.org/"


def loaded_by_html(text: str) -> Iterator[str]:
    """Yield the addresses that a browser goes to by itself."""
    page = html(text)
    for element in page.find_all(True):
        for name in ("src", "poster"):
            yield element.get(name, "")
        for candidate in element.get("srcset", "").split(","):
            yield candidate.strip()
        if element.name == "object":
            yield element.get("data", "")
        if element.name in ("image", "use"):
            yield element.get("href") or element.get("xlink:href") or ""
        if element.name == "link" and not _LOADED_BY_LINKS.isdisjoint(element.get("rel", [])):
            yield element.get("href", "")
        yield from _IN_CSS.findall(element.get("style", ""))
        if element.name == "style":
            yield from _IN_CSS.findall(element.text)
        if element.name == "script":
            yield from loaded_by_script(element.text)


def loaded_by_script(text: str) -> Iterator[str]:
    """Yield the addresses in a script's strings."""
    for address in _IN_SCRIPTS.findall(text):
        if not address.startswith(_NAMESPACES):
            yield address


LOADED_BY = {
    ".html": loaded_by_html,
    ".svg": loaded_by_html,
    ".css": _IN_CSS.findall,
    ".js": loaded_by_script,
}


def elsewhere(name: str, text: str) -> list[str]:
    """Return what a file of this name loads from another server."""
    loaded = LOADED_BY[Path(name).suffix](text)
    return [address for address in loaded if _ELSEWHERE.match(address)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.html", '<script src="https://cdn.example.com/a.js"></script>'),
        ("a.html", '<script>import("https://cdn.example.com/a.js")</script>'),
        ("a.html", '<link rel="stylesheet" href="//cdn.example.com/a.css">'),
        ("a.html", '<link rel="preconnect" href="https://fonts.example.com">'),
        ("a.html", '<img src="HTTPS://cdn.example.com/a.png">'),
        ("a.html", '<img srcset="a.png 1x, https://cdn.example.com/a.png 2x">'),
        ("a.html", '<p style="background: url(https://cdn.example.com/a.png)">'),
        ("a.html", '<style>@import "https://cdn.example.com/a.css";</style>'),
        ("a.svg", '<svg><image href="https://cdn.example.com/a.png"/></svg>'),
        ("a.css", "@font-face { src: url('https://fonts.example.com/a.woff2') }"),
        ("a.css", "@import url(//fonts.example.com/a.css);"),
        ("a.js", 'fetch("//cdn.example.com/a.json")'),
    ],
)
def test_what_comes_from_elsewhere_is_found(name, text):
    assert len(elsewhere(name, text)) == 1


def test_nothing_comes_from_elsewhere(site):
    """The pages are whole without a network, and tell no other server who reads them."""
    files = [path for path in site.rglob("*") if path.suffix in LOADED_BY]
    assert {path.suffix for path in files} == LOADED_BY.keys()
    for path in files:
        assert elsewhere(path.name, path.read_text()) == [], path.relative_to(site)
