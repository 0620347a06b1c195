"""In no language, a page or a message mixes its words with English ones."""

from __future__ import annotations

import re
import runpy
from html import unescape
from typing import Any

import pytest
from django.utils import translation
from django.utils.translation import to_language

from swap_user.otp.delivery.notice_words import write
from swap_user.otp.delivery.notices import NOTICES
from tests import ROOT
from tests.otp.pages.account.every_page import PAGES, Visit
from tests.support import configure

SCRIPT = runpy.run_path(str(ROOT / "scripts/messages"))
LANGUAGES: list[str] = SCRIPT["LANGUAGES"]

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("language", LANGUAGES)]


def english(language: str) -> set[str]:
    """The English sentences of the sources whose translation is another one."""
    return {
        text
        for message in SCRIPT["load"](language)
        if message.id
        for text, string in zip(listed(message.id), listed(message.string), strict=False)
        if " " in text.strip() and not re.search(r"%\(|\{", text) and text != string
    }


def listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def assert_not_mixed(text: str, language: str) -> None:
    plain = unescape(" ".join(text.split()))
    found = [each for each in english(language) if re.search(rf"(?<!\w){words(each)}(?!\w)", plain)]
    assert found == []


def words(text: str) -> str:
    """A pattern for a text, without the line breaks of its template."""
    return re.escape(" ".join(text.split()))


@pytest.mark.heavy
def test_pages(user: Any, clock: Any, settings: Any, language: str) -> None:
    """Every own page in each state."""
    settings.LANGUAGE_CODE = to_language(language)
    configure(settings, OTP_SIGN_UP=True)
    for name, page in PAGES.items():
        clock.shift(60)
        with translation.override(settings.LANGUAGE_CODE):
            response = page(Visit(user, clock))
        assert response.status_code == 200, name
        content = response.content.decode()
        assert f'<html lang="{settings.LANGUAGE_CODE}"' in content
        assert f'dir="{"rtl" if language == "ar" else "ltr"}"' in content
        assert_not_mixed(content, language)


@pytest.mark.parametrize("event", NOTICES)
def test_notices(settings: Any, language: str, event: str) -> None:
    """As text, as HTML and as one SMS."""
    configure(settings, OTP_ISSUER="Shop")
    context = {"name": "Phone", "remaining": 3, "browser": "Firefox", "network": "203.0.113.0/24"}
    with translation.override(to_language(language)):
        words = write(event, context, link="https://shop.example/account/not-me/?token=x")
    for text in (words.subject, words.text, words.html, words.short_text):
        assert_not_mixed(text, language)
        assert text.strip()
