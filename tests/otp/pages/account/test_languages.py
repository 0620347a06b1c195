"""In no language, a page or a message mixes its words with English ones."""

from __future__ import annotations

import re
import runpy
from html import unescape
from typing import Any

import pytest
from django.utils import translation
from django.utils.translation import to_language

from swap_user import signals
from swap_user.otp import policies
from swap_user.otp.delivery.notice_words import write
from swap_user.otp.delivery.notices import NOTICES
from swap_user.otp.pages.login.text import factors_in_words
from swap_user.testing import enroll_authenticator, outbox
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


def test_an_app_without_a_name(user: Any, settings: Any, language: str) -> None:
    """A notice names it in the owner's language, and not in that of the request."""
    settings.LANGUAGE_CODE = to_language(language)
    app = enroll_authenticator(user).authenticator
    app.name = ""
    with translation.override("en"):
        signals.authenticator_added.send(type(user), user=user, authenticator=app)
    with translation.override(settings.LANGUAGE_CODE):
        assert str(app) in outbox.notices[-1].text
    assert "Authenticator app" not in outbox.notices[-1].text


def test_a_list_of_factors(language: str) -> None:
    """It is joined in the language, each factor once and in the order of the policy."""
    groups = (frozenset({policies.PASSWORD}), frozenset({policies.SENT}), policies.NOT_SENT)
    with translation.override(to_language(language)):
        assert factors_in_words(()) == ""
        each = [factors_in_words((group,)) for group in groups]
        two, three = factors_in_words(groups[:2]), factors_in_words(groups)
    for found, parts in [(two, each[:2]), (three, each)]:
        *others, last = [re.escape(part) for part in parts]
        assert re.fullmatch(rf"{'[,،、] ?'.join(others)}\W*(?!and )\w{{0,3}}\W*{last}", found)
