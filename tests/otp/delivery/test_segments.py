"""Each notice is one SMS: measured with the alphabet of GSM, in each language that there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.utils import translation
from django.utils.translation import to_language

import swap_user
from swap_user.otp.delivery.notice_words import write
from swap_user.otp.delivery.notices import NOTICES
from swap_user.otp.delivery.segments import fits, parts, with_name
from tests.support import configure

# 3GPP TS 23.038, table 6.2.1.1, column by column from 0x00 to 0x7F; the escape is left out.
TABLE = {
    0x00: "@£$¥èéùìòÇ\nØø\rÅå",
    0x10: "Δ_ΦΓΛΩΠΨΣΘΞ",
    0x1C: "ÆæßÉ",
    0x20: " !\"#¤%&'()*+,-./",
    0x30: "0123456789:;<=>?",
    0x40: "¡ABCDEFGHIJKLMNO",
    0x50: "PQRSTUVWXYZÄÖÑÜ§",
    0x60: "¿abcdefghijklmno",
    0x70: "pqrstuvwxyzäöñüà",
}
# Table 6.2.1.2: each needs the escape before it.
EXTENSION = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
CODES = {
    character: bytes([start + number])
    for start, row in TABLE.items()
    for number, character in enumerate(row)
} | {character: bytes([0x1B, code]) for code, character in EXTENSION.items()}

LOCALES = Path(swap_user.__file__).parent / "locale"
LANGUAGES = ["en", *sorted(to_language(path.name) for path in LOCALES.iterdir())]

NAMES = [
    "",
    "Shop",
    "Tom & Jerry's",
    "www.a-shop-with-a-very-long-name.example.com:8443",
    "Stadtwerke Musterhausen-Oberkirchen Kundenportal für Strom, Gas, Wasser und Internet",
    "Łódź Życie",
    "カフェ・ミュンヘン",
    "\U0001f600" * 40,
    "[]{}€" * 20,
    "x" * 500,
]


def septets(text: str) -> int | None:
    """Return how many septets a text needs, or None if the alphabet lacks a character."""
    codes = [CODES.get(each) for each in text]
    return None if None in codes else sum(len(code or b"") for code in codes)


def is_one_sms(text: str) -> bool:
    needed = septets(text)
    if needed is not None:
        return needed <= 160
    return len(text.encode("utf-16-be")) <= 140


def test_the_table_is_whole() -> None:
    """A control: 127 characters and ten with an escape."""
    assert len(CODES) == 137
    assert {len(code) for code in CODES.values()} == {1, 2}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("event", NOTICES)
def test_each_notice_is_one_sms(settings: Any, event: str, language: str, name: str) -> None:
    """Whatever the name of the site is. It has the sentence of the event, and no link."""
    configure(settings, OTP_ISSUER=name)
    context = {"name": "x" * 64, "remaining": 12, "browser": "Firefox, Linux", "network": "::/48"}
    with translation.override(translation.to_language(language)):
        configure(settings, OTP_ISSUER="")
        sentence = write(event, context).short_text
        configure(settings, OTP_ISSUER=name)
        text = write(event, context, link="https://shop.example/not-me/").short_text
    assert is_one_sms(text), text
    assert sentence in text
    # In letters outside of the alphabet too, so that a short name fits beside it.
    assert len(sentence.encode("utf-16-be")) <= 140
    assert "https://" not in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Shop", "Shop: "),
        ("", ""),
        ("Tom & Jerry's", "Tom & Jerry's: "),
        ("a" * 200, f"{'a' * 60}.: "),
        (f"{'a ' * 40}", f"{'a ' * 29}a.: "),
    ],
)
def test_a_long_name_is_shortened(settings: Any, name: str, shown: str) -> None:
    """It ends with a full stop then, which is in the alphabet."""
    configure(settings, OTP_ISSUER=name)
    text = write("new_browser_login", {}).short_text
    assert text.startswith(f"{shown}Login in a new browser")


def test_all_events_have_a_sentence_of_their_own() -> None:
    texts = {write(event, {}).short_text for event in NOTICES}
    assert len(texts) == len(NOTICES)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("x" * 160, True),
        ("x" * 161, False),
        ("€" * 80, True),
        ("€" * 81, False),
        ("ж" * 70, True),
        ("ж" * 71, False),
        ("x" * 69 + "ж", True),
        ("x" * 70 + "ж", False),
        ("\U0001f600" * 35, True),
        ("\U0001f600" * 36, False),
        ("ç", True),
        ("ç" + "x" * 70, False),
        ("", True),
    ],
)
def test_what_fits(text: str, is_one: bool) -> None:
    """The package measures as this test does."""
    assert fits(text) is is_one is is_one_sms(text)


def test_every_character_is_measured_alike() -> None:
    """All that the alphabet has, and the rest of the first plane."""
    for number in (*range(0xD800), *range(0xE000, 0x10000)):
        text = chr(number)
        assert fits(text * 71) is is_one_sms(text * 71), hex(number)


def test_a_text_of_a_project_that_is_too_long() -> None:
    """It is sent without the name."""
    assert with_name(lambda name: f"{name}{'x' * 200}", "Shop") == "x" * 200


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("ж" * 134, 2),
        ("ж" * 135, 3),
        ("\U0001f600" * 35, 1),
        ("\U0001f600" * 36, 2),
    ],
)
def test_how_many_sms_a_text_needs(text, number):
    """Each of several has room for 153 characters of GSM, or for 67 others."""
    assert parts(text) == number
