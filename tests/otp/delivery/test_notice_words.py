"""The message in HTML, and senders of former versions, which know nothing of it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core import mail
from django.template.loader import render_to_string
from django.utils import translation

from swap_user import signals
from swap_user.otp.delivery.notice_words import accepted, write
from swap_user.otp.delivery.notices import NOTICES
from swap_user.otp.senders import AbstractSMSOTPSender
from swap_user.testing import MemoryOTPSender
from tests.support import configure, visitor

LINK = "https://shop.example/account/not-me/?token=a:b"


def notice(event: str = "new_browser_login") -> str:
    return write(event, {"name": "App", "remaining": 2}, link=LINK).html


def code() -> str:
    return render_to_string("swap_user/email/otp.html", {"otp": "123456", "minutes": 5})


MAILS = {"code": code, **{event: lambda event=event: notice(event) for event in NOTICES}}


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels
    ]
    return sum(weight * each for weight, each in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(rule: str) -> float:
    found = dict(re.findall(r"(?<![\w-])(background-color|color): (#[0-9a-f]{6})", rule))
    light, dark = sorted(luminance(found[key]) for key in ("color", "background-color"))[::-1]
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("kind", MAILS)
def test_dark_mode(kind: str) -> None:
    """Both modes are named, and each has colours with enough contrast for text."""
    html = MAILS[kind]()
    assert '<meta name="color-scheme" content="light dark">' in html
    light = re.findall(r'style="([^"]*background-color[^"]*)"', html)
    (media,) = re.findall(r"@media \(prefers-color-scheme: dark\) {(.*?)\n}", html, re.DOTALL)
    dark = re.findall(r"{([^}]*)}", media)
    assert len(light) >= 2
    assert len(dark) == 3
    for rule in (*light, *dark):
        assert contrast(rule) >= 4.5, rule
    # What has a background of its own in one mode has one in the other.
    classes = set(re.findall(r'class="(swap-mail[\w-]*)"', html))
    assert classes <= set(re.findall(r"\.([\w-]+) {", media))


@pytest.mark.parametrize("kind", MAILS)
def test_nothing_is_loaded(kind: str) -> None:
    """No picture, font or style of another host, which would tell that the mail was read."""
    html = MAILS[kind]()
    assert (
        re.findall(r"<(img|link|script|iframe|object|video|audio)\b|url\(|@import|src=", html) == []
    )
    assert re.findall(r'href="([^"]*)"', html) == ([LINK] if kind != "code" else [])


@pytest.mark.parametrize("event", NOTICES)
def test_the_html_says_what_the_text_says(event: str) -> None:
    """All lines of it; the link is a button."""
    words = write(event, {"name": "App", "remaining": 2})
    shown = re.sub(r"<[^>]+>", "", words.html).replace("&quot;", '"')
    for line in filter(None, words.text.splitlines()):
        assert line in shown
    assert "<h1" in words.html
    assert words.subject in shown
    assert "7 days" not in words.text + words.html


@pytest.mark.parametrize(("language", "direction"), [("de", "ltr"), ("ar", "rtl")])
def test_language_and_direction(language: str, direction: str) -> None:
    with translation.override(language):
        assert f'<html lang="{language}" dir="{direction}">' in notice()


@pytest.mark.django_db
def test_the_mail_has_both_parts(owner: Any) -> None:
    """And the header against automatic answers."""
    signals.new_browser_login.send(type(owner), user=owner, request=visitor())
    (message,) = mail.outbox
    assert [kind for _, kind in message.alternatives] == ["text/html"]
    assert "Somebody logged in" in message.body
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"


# Senders

got: list[Any] = []


class Former(MemoryOTPSender):
    """As a project has written it for a former version."""

    def notify(self, user, subject, text):
        got.append((subject, text))
        super().notify(user, subject, text)


class Some(MemoryOTPSender):
    """Takes one of the keywords."""

    def notify(self, user, subject, text, event=None):
        got.append(event)


class All(MemoryOTPSender):
    """Takes them all."""

    def notify(self, user, subject, text, **kwargs):
        got.append(kwargs)


class SMS(AbstractSMSOTPSender):
    """Sends SMS."""

    def get_receiver(self, user):
        return "+447700900123"

    def send_text(self, receiver, text):
        got.append(text)


class FormerSMS(SMS):
    """Writes the whole text, as before."""

    def notify(self, user, subject, text):
        self.send_text("", text)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["Former", "Some", "All", "SMS", "FormerSMS"])
def test_senders(owner, settings, monkeypatch, name):
    """Each gets what its method accepts."""
    got.clear()
    monkeypatch.setattr("swap_user.otp.senders.email_address", lambda owner: "")
    configure(settings, OTP_SENDER_CLASS=f"{__name__}.{name}", OTP_ISSUER="Shop")
    signals.new_browser_login.send(type(owner), user=owner, request=visitor())
    (found,) = got
    words = write("new_browser_login", {})
    match name:
        case "Former":
            assert found[0] == words.subject
        case "Some":
            assert found == "new_browser_login"
        case "All":
            assert set(found) == {"event", "html", "short_text"}
            assert found["short_text"] == words.short_text
        case "SMS":
            assert found == words.short_text
        case "FormerSMS":
            assert found.startswith("Somebody logged in to your account")


def test_a_former_sender_mails_plain_text(settings: Any) -> None:
    """It passes no HTML on."""
    assert accepted(Former().notify, {"html": "x", "event": "y"}) == {}
    assert accepted(Some().notify, {"html": "x", "event": "y"}) == {"event": "y"}
    assert accepted(All().notify, {"html": "x", "event": "y"}) == {"html": "x", "event": "y"}
    assert accepted(print, {"html": "x"}) == {}
    assert accepted(dict, {"html": "x"}) in ({}, {"html": "x"})  # it may have no signature
