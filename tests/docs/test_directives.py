"""Directives of MyST are closed, tabs are read, and the README has none."""

from __future__ import annotations

import re
from collections.abc import Iterator

import django
import pytest

from tests import ROOT
from tests.docs.reading import FENCED, PAGES, Project, read_page

# What opens or closes a directive of MyST; `{tab} title` and the like follow it.
COLONS = re.compile(r"^ *(:{3,})(.*)$", re.MULTILINE)


def wrong_directives(text: str) -> Iterator[str]:
    """Yield what is wrong with the directives of a page, which Sphinx would read otherwise."""
    opened: list[int] = []
    for line in COLONS.finditer(FENCED.sub("", text)):
        colons, directive = len(line[1]), line[2].strip()
        if directive:
            if not re.match(r"\{[\w-]+\}", directive):
                yield f"{directive!r} is no directive"
            if opened and colons >= opened[-1]:
                yield f"{directive!r} needs fewer colons than what it is in"
            opened.append(colons)
        elif not opened or colons != opened.pop():
            yield f"{line[0]!r} closes nothing"
    if opened:
        yield f"{len(opened)} directives are left open"
    yield from re.findall(r"^ *(?:!!!|\?\?\?\+?|===) .*$", text, re.MULTILINE)  # as in MkDocs


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_directives(page):
    """Each is closed, with as many colons, and what is in it has fewer."""
    assert list(wrong_directives(page.read_text())) == []


@pytest.mark.parametrize(
    "text",
    [
        ":::{tab} One\ntext\n",
        ":::{tab} One\ntext\n::::\n",
        ":::{tab} One\n::::{note}\ntext\n::::\n:::\n",
        "text\n:::\n",
        "::: tab\n:::\n",
        '!!! warning "Title"\n\n    text\n',
        '=== "One"\n\n    text\n',
    ],
)
def test_wrong_directives_are_found(text):
    """Of what Sphinx takes without a word, too."""
    assert list(wrong_directives(text))


def test_readme_is_for_github():
    """It has none of what only Sphinx knows."""
    text = FENCED.sub("", (ROOT / "README.md").read_text())
    assert not COLONS.search(text)
    assert not re.search(r"\)\{[.#:]", text)


TABS = """
<!-- project: shop -->

```sh
python manage.py check
```

::::{tab} Email
<!-- project: shop-email, from shop -->

```python title="mysite/settings.py"
KNOWN_BY = "email"
```

:::{warning}
```sh
python manage.py migrate
```
:::
::::

::::{tab} Phone
<!-- project: shop-phone, from shop -->

- In a list:

  ```python title="mysite/settings.py"
  KNOWN_BY = "phone"
  ```
::::

:::{tab} Django 6.0 or later
<!-- django >= 6.0 -->

```python title="mysite/settings.py"
VERSION = "new"
```
:::

:::{tab} Django 5.2
<!-- django < 6.0 -->

```python title="mysite/settings.py"
VERSION = "old"
```
:::
"""


def test_blocks_in_tabs_are_run(tmp_path):
    """Each in the project that its tab names, and for its versions of Django."""
    page = tmp_path / "page.md"
    page.write_text(TABS)
    projects: dict[str, Project] = {}
    assert len(list(read_page(page, projects))) == 6
    version = "new" if django.VERSION >= (6, 0) else "old"
    assert {name: [block.body for block in each.blocks] for name, each in projects.items()} == {
        "shop": ["python manage.py check\n"],
        "shop-email": ['KNOWN_BY = "email"\n', "python manage.py migrate\n"],
        "shop-phone": ['KNOWN_BY = "phone"\n', f'VERSION = "{version}"\n'],
    }
    assert {projects[name].base for name in ("shop-email", "shop-phone")} == {"shop"}
