"""
Which catalogue translates a text: ours, whatever apps a project has, or Django's own.

Django merges the catalogues of all apps by text and context, and the first app in `INSTALLED_APPS`
wins. So a text without a context must be one that Django does not have, and that is long enough to
be found in no other package.
"""

from __future__ import annotations

import runpy
from gettext import GNUTranslations
from pathlib import Path
from typing import Any

import django
import pytest
from django.utils.translation import gettext, override, pgettext, to_language

from tests import ROOT

SCRIPT = runpy.run_path(str(ROOT / "scripts/messages"))
LANGUAGES: list[str] = SCRIPT["LANGUAGES"]
DJANGO: set[str] = SCRIPT["DJANGO"]

PACKAGES = Path(django.__file__).parents[1]


def texts_of(paths: Any) -> set[str]:
    """The texts without a context in compiled catalogues, of a plural the singular."""
    found: set[str] = set()
    for path in paths:
        with path.open("rb") as file:
            keys = GNUTranslations(file)._catalog
        found.update(key if isinstance(key, str) else key[0] for key in keys)
    return {each for each in found if each and "\x04" not in each}


@pytest.fixture(scope="module")
def without_context() -> set[str]:
    """The texts of the sources that have no context, of a plural the singular."""
    return {
        text if isinstance(text, str) else text[0]
        for text, context in SCRIPT["extracted"]()
        if not context
    }


def test_django_does_not_have_the_text(without_context: set[str]) -> None:
    """In no language of any of its apps."""
    paths = list((PACKAGES / "django").rglob("locale/*/LC_MESSAGES/django.mo"))
    assert len(paths) > 500
    assert (without_context - DJANGO) & texts_of(paths) == set()


def test_single_words_have_a_context(without_context: set[str]) -> None:
    """Other packages, and projects, may have them with another meaning."""
    assert [each for each in without_context - DJANGO if " " not in each.strip()] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_left_to_django(without_context: set[str], language: str) -> None:
    """Each of its words is in our sources, and Django translates it into all of our languages."""
    paths = (PACKAGES / "django").rglob(f"locale/{language}/LC_MESSAGES/django.mo")
    assert without_context & texts_of(paths) >= DJANGO


@pytest.mark.parametrize("language", LANGUAGES)
def test_our_translation_is_shown(language: str) -> None:
    """That of our catalogue, although the admin and others stand before us."""
    with override(to_language(language)):
        for message in SCRIPT["load"](language):
            if message.id and message.context:
                assert pgettext(message.context, message.id) == message.string
            elif message.id and not message.pluralizable:
                assert gettext(message.id) == message.string
