"""
Every state of every page of both skins, in each language and under each condition.

CI shows each state once in each language: at all widths, and with axe-core at one of them. With
LOOKS=all, each state is shown under all conditions. With SCREENSHOTS=FOLDER, pictures are kept.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.browser.conftest import NewPage
from tests.browser.every_state import ORIGIN, SKINS, Shown, answers, render, states_of
from tests.browser.test_login import violations

pytestmark = pytest.mark.django_db(transaction=True)

LANGUAGES = ["de", "ja", "ar"]


# Widths and heights in CSS pixels.
SCREENS = {
    "320": (320, 640),
    "390": (390, 844),
    "1280": (1280, 800),
    "zoom": (640, 400),  # what a window of 1280 by 800 is at a zoom of 200 %
}

COLORS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "forced_colors": "none"},
    "dark": {"color_scheme": "dark", "forced_colors": "none"},
    "forced": {"color_scheme": "dark", "forced_colors": "active"},
}

SCRIPTS = {"scripts": True, "no-scripts": False}


class Look(NamedTuple):
    """Conditions under which a page is looked at: keys of the tables above."""

    colors: str
    scripts: str
    screen: str


def one_look(number: int, language: str) -> Look:
    """
    Return the conditions for a state in CI.

    In the three languages together, it is shown in all colors, with scripts and without.
    """
    at = number + LANGUAGES.index(language)
    return Look(list(COLORS)[at % 3], list(SCRIPTS)[at % 2], list(SCREENS)[at % 4])


ALL = [
    Look(colors, scripts, screen) for screen in SCREENS for colors in COLORS for scripts in SCRIPTS
]

LOOKS: list[Look | None] = [*ALL] if os.environ.get("LOOKS") == "all" else [None]

# What is wrong with the layout of a page, as a list of sentences.
PROBLEMS = (Path(__file__).parent / "problems.js").read_text()

_rendered: dict[tuple[str, str], dict[str, Shown]] = {}


@pytest.fixture
def rendered(
    staff: Any, settings: Any, stand_still: Any, skin: str, language: str
) -> dict[str, Shown]:
    """Every state of a skin in a language."""
    if (skin, language) not in _rendered:
        with stand_still() as clock:
            _rendered[skin, language] = render(skin, language, staff, clock, settings)
    return _rendered[skin, language]


@pytest.mark.requirement("R39")
@pytest.mark.parametrize("look", LOOKS, ids=lambda look: "-".join(look) if look else "one-look")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("skin", SKINS)
def test_every_state(
    new_page: NewPage,
    rendered: dict[str, Shown],
    axe_source: str,
    screenshots: Path,
    skin: str,
    language: str,
    look: Look | None,
) -> None:
    """Nothing sticks out, is cut off or overlaps; axe-core has no findings; focus and direction."""
    page = new_page(locale=language)
    problems: list[str] = []
    for number, (name, shown) in enumerate(rendered.items()):
        chosen = look or one_look(number, language)
        page.emulate_media(**COLORS[chosen.colors])
        page.unroute_all()
        page.route("**/*", answers(shown, with_scripts=SCRIPTS[chosen.scripts]))
        page.goto(f"{ORIGIN}{shown.path}")
        page.evaluate("new Promise(requestAnimationFrame)")  # before it, autofocus has its turn
        for screen in [look.screen] if look else SCREENS:
            width, height = SCREENS[screen]
            page.set_viewport_size({"width": width, "height": height})
            found = page.evaluate(PROBLEMS, [language, skin])
            title = f"{skin}-{name}-{language}-{chosen.colors}-{chosen.scripts}-{screen}"
            if screen == chosen.screen:
                found += [
                    each for each in violations(page, axe_source) if not is_known(each, chosen)
                ]
                if "SCREENSHOTS" in os.environ:
                    file = re.sub(r"\W+", "-", title)
                    page.screenshot(path=screenshots / f"{file}.png", full_page=True)
            problems += [f"{title}: {each}" for each in found]
    assert not problems, "\n".join(["", *problems])


def is_known(violation: str, look: Look) -> bool:
    """Return whether Django's admin is to blame: without scripts, its theme button has no name."""
    return look.scripts == "no-scripts" and "theme-toggle" in violation


def test_all_conditions_are_seen() -> None:
    """A control: in CI, each state is shown in each color, with scripts and without."""
    for number in range(len(states_of("own"))):
        looks = [one_look(number, language) for language in LANGUAGES]
        assert {look.colors for look in looks} == set(COLORS)
        assert {look.scripts for look in looks} == set(SCRIPTS)
