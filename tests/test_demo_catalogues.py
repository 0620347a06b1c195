"""The catalogues of the demo: each text of its sources is there, in every language."""

import ast
import gettext
import re
from pathlib import Path

import pytest
from django.utils.translation.template import templatize

from tests import ROOT

SHOP = ROOT / "demo/shop"
ENTRY = re.compile(r'^(?:msgctxt "(.+)"\n)?msgid "(.+)"\nmsgstr "(.+)"$', re.MULTILINE)
CALL = re.compile(
    r"""\b(?:p?gettext|_)\(u?('(?:[^'\\]|\\.)+'|"(?:[^"\\]|\\.)+")(?:, *u?('.+?'|".+?"))?\)"""
)
PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\}|<[^>]+>")

# (context, text)
Text = tuple[str, str]


def in_templates() -> set[Text]:
    """Return the texts of all templates of the demo."""
    found = set()
    for path in (ROOT / "demo").rglob("*.html"):
        for first, second in CALL.findall(templatize(path.read_text())):
            texts = [ast.literal_eval(text).replace("%%", "%") for text in (first, second) if text]
            found.add((texts[0] if second else "", texts[-1]))
    return found


def in_code() -> set[Text]:
    """Return the texts of all modules of the demo."""
    return {
        ("", node.args[0].value)
        for path in (ROOT / "demo").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"_", "gettext"}
        and isinstance(node.args[0], ast.Constant)
    }


def entries(path: Path) -> dict[Text, str]:
    """Return the entries of a catalogue, which are not wrapped."""
    texts = (match.groups(default="") for match in ENTRY.finditer(path.read_text()))
    return {
        (context, text.replace('\\"', '"')): string.replace('\\"', '"')
        for context, text, string in texts
    }


def of_package(language: str) -> dict[Text, str]:
    """Return the texts of the demo that the catalogue of the package has."""
    path = ROOT / f"swap_user/locale/{language}/LC_MESSAGES/django.mo"
    with path.open("rb") as file:
        translations = gettext.GNUTranslations(file)
    found = {
        (context, text): translations.pgettext(context, text)
        if context
        else translations.gettext(text)
        for context, text in in_templates() | in_code()
    }
    return {key: string for key, string in found.items() if string != key[1]}


LANGUAGES = sorted(path.name for path in (SHOP / "locale").iterdir())


def test_languages():
    """The demo has the languages of the package."""
    assert sorted(path.name for path in (ROOT / "swap_user/locale").iterdir()) == LANGUAGES
    assert len(in_templates()) > 30
    assert len(in_code()) > 20


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_missing(language):
    """Each text is translated here or in the package, and there is no other text."""
    here = entries(SHOP / f"locale/{language}/LC_MESSAGES/django.po")
    wanted = in_templates() | in_code()
    assert wanted - here.keys() - of_package(language).keys() == set()
    assert here.keys() - wanted == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_and_compiled_form(language):
    """Markup and placeholders are kept, and the compiled catalogue is up to date."""
    folder = SHOP / f"locale/{language}/LC_MESSAGES"
    with (folder / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for (context, text), string in entries(folder / "django.po").items():
        assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(string)), text
        found = compiled.pgettext(context, text) if context else compiled.gettext(text)
        assert found == string
