"""The message catalogues: complete, in step with the sources, and with the same placeholders."""

from __future__ import annotations

import re
import runpy
from gettext import GNUTranslations
from typing import Any

import pytest
from django.utils.translation import to_language

from tests import ROOT

SCRIPT = runpy.run_path(str(ROOT / "scripts/messages"))
LANGUAGES: list[str] = SCRIPT["LANGUAGES"]
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[sd]|\{\w*\}")

pytestmark = pytest.mark.parametrize("language", LANGUAGES)


@pytest.fixture(scope="module")
def sources() -> Any:
    """The texts of the sources."""
    return SCRIPT["found"]()


def forms(string: Any) -> list[str]:
    return [string] if isinstance(string, str) else list(string)


def test_nothing_is_missing(language: str, sources: Any) -> None:
    """Every text of the sources is translated, and there is no other text."""
    assert SCRIPT["missing"](language, sources) == []


def test_the_compiled_form(language: str) -> None:
    """It was made of this catalogue, by `scripts/messages`."""
    with SCRIPT["path_of"](language).with_suffix(".mo").open("rb") as file:
        compiled = GNUTranslations(file)
    for message in SCRIPT["load"](language):
        if message.id and message.pluralizable:
            found = [compiled._catalog[message.id[0], form] for form in range(len(message.string))]
            assert found == [*message.string]
        elif message.id and message.context:
            assert compiled.pgettext(message.context, message.id) == message.string
        elif message.id:
            assert compiled.gettext(message.id) == message.string


def test_placeholders(language: str) -> None:
    """What is filled in has the same names, in every plural form that can name a number."""
    for message in SCRIPT["load"](language):
        if not message.id:
            continue
        wanted = set(PLACEHOLDER.findall(forms(message.id)[-1]))
        strings = forms(message.string)
        for string in strings:
            found = PLACEHOLDER.findall(string)
            assert set(found) <= wanted, message.id
            assert len(found) == len(set(found)), message.id
        assert set(PLACEHOLDER.findall(strings[-1])) == wanted, message.id


def test_placeholders_can_be_filled_in(language: str) -> None:
    """In each plural form: a lone percent sign or brace would be an error of the page."""
    for message in SCRIPT["load"](language):
        names = PLACEHOLDER.findall(forms(message.id)[-1]) if message.id else []
        values = {re.sub(r"\W|(?<=\))[a-z]", "", name): 1 for name in names}
        for string in forms(message.string) if names else ():
            if names[0].startswith("%"):
                filled = string % values if "%(" in names[0] else string % (("1",) * len(names))
            else:
                filled = string.format(*"1" * len(names), **values)
            assert not re.search(r"[%{}]", filled), string


def test_plural_forms(language: str) -> None:
    """Each text with a number has as many forms as the language."""
    catalog = SCRIPT["load"](language)
    few = {"ar": 6, "de": 2, "ja": 1, "nl": 2, "zh_Hans": 1}
    assert catalog.num_plurals == few.get(language, 3)
    for message in catalog:
        if message.id and message.pluralizable:
            assert len(forms(message.string)) == catalog.num_plurals, message.id


def test_the_edges_of_texts(language: str) -> None:
    """Line breaks and spaces at the edges are kept, because templates rely on them."""
    for message in SCRIPT["load"](language):
        for original, string in zip(forms(message.id), forms(message.string), strict=False):
            if original:
                assert (string[:1].isspace(), string[-1:].isspace()) == (
                    original[:1].isspace(),
                    original[-1:].isspace(),
                ), original


def test_django_knows_the_language(language: str, settings: Any) -> None:
    """So that a project can choose it."""
    assert to_language(language) in dict(settings.LANGUAGES)
