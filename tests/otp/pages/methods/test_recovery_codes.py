"""The page of recovery codes that is seen twice: no set is replaced unsaid."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from swap_user.models import RecoveryCode
from swap_user.otp import generate_recovery_codes
from swap_user.testing import log_in
from tests.otp.pages.login.helpers import CHECK, LOGIN, LOGOUT, text
from tests.otp.pages.methods.helpers import CODES, freshen
from tests.support import make_user, username

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R31")]


def codes_in(response: Any) -> list[str]:
    """The codes on a page."""
    return re.findall(r"<li><code[^>]*>([0-9A-Z-]+)</code>", response.content.decode())


def fields_of(response: Any) -> dict[str, str]:
    """The hidden fields of the page's form, which a browser sends along."""
    page = response.content.decode()
    return dict(re.findall(r'<input type="hidden" name="(replaces)" value="([^"]*)">', page))


def press(client: Client) -> Any:
    """Open the page, and press its button."""
    return client.post(CODES, fields_of(client.get(CODES)), follow=True)


def test_a_reload_shows_the_same_set(client: Client, user: Any, notices: Any) -> None:
    """A reload, the back button, a second press of the same button."""
    form = fields_of(client.get(CODES))
    first = client.post(CODES, form, follow=True)
    assert first.redirect_chain == [(CODES, 302)]
    assert len(set(codes_in(first))) == 10
    assert codes_in(client.get(CODES)) == codes_in(first)
    assert codes_in(client.post(CODES, form, follow=True)) == codes_in(first)
    assert codes_in(client.post(CODES, follow=True)) == codes_in(first)
    assert len(notices) == 1
    client.post(LOGOUT)
    client.post(LOGIN, {"username": username()})
    assert client.post(CHECK, {"otp": codes_in(first)[0]}).status_code == 302


def test_a_new_set_has_a_question_of_its_own(client: Client, user: Any) -> None:
    """Asked on a page of its own; its answer counts once too."""
    first = codes_in(press(client))
    question = client.get(f"{CODES}?new")
    assert codes_in(question) == []
    assert "replaces them all" in text(question)
    answer = client.post(CODES, fields_of(question), follow=True)
    assert len(codes_in(answer)) == 10
    assert not set(codes_in(answer)) & set(first)
    assert codes_in(client.post(CODES, fields_of(question), follow=True)) == codes_in(answer)


def test_after_ten_minutes_they_are_gone(client: Client, clock: Any, user: Any) -> None:
    """Nothing can show them again; a form of then makes no new set either, but asks again."""
    old_form = fields_of(client.get(CODES))
    shown = codes_in(client.post(CODES, old_form, follow=True))
    assert shown
    clock.shift(599)
    freshen(client)
    assert codes_in(client.get(CODES)) == shown
    clock.shift(1)
    page = client.get(CODES)
    assert codes_in(page) == []
    assert "You have 10 left." in text(page)
    again = client.post(CODES, old_form, follow=True)
    assert codes_in(again) == []
    assert RecoveryCode.objects.filter(user=user).count() == 10
    assert len(codes_in(client.post(CODES, fields_of(page), follow=True))) == 10


def test_a_form_without_the_field(client: Client, user: Any) -> None:
    """From the version before, or a template of the project's: it makes one set."""
    generate_recovery_codes(user)
    first = codes_in(client.post(CODES, follow=True))
    assert len(first) == 10
    assert codes_in(client.post(CODES, follow=True)) == first


def test_a_set_that_was_replaced_elsewhere_is_not_shown(client: Client, user: Any) -> None:
    """Codes that no longer let in are no use to anybody, and to keep them would be a trap."""
    press(client)
    generate_recovery_codes(user)
    page = client.get(CODES)
    assert codes_in(page) == []
    assert "You have 10 left." in text(page)


@pytest.mark.requirement("R27")
def test_they_wait_encrypted_and_bound(client: Client, user: Any) -> None:
    """Not to be read in a session; of no use in another user's, or in another of one's own."""
    codes = codes_in(press(client))
    assert codes
    stored = str([row.get_decoded() for row in Session.objects.all()])
    assert not any(code in stored or code.replace("-", "") in stored for code in codes)
    entry = {
        key: value for key, value in client.session.items() if key == "_swap_user_recovery_codes"
    }
    assert entry
    for other_user in (make_user(2, is_staff=True), user):
        other = Client()
        log_in(other, other_user)
        session = other.session
        session.update(entry)
        session.save()
        assert codes_in(other.get(CODES)) == []


@pytest.mark.parametrize("value", [None, 5, "", "x", "1.abcdef12.xx", {}, [1], {"codes": 1}])
def test_a_session_that_holds_something_else(client: Client, user: Any, value: Any) -> None:
    """It is no set of codes."""
    assert codes_in(press(client))
    session = client.session
    session["_swap_user_recovery_codes"] = value
    session.save()
    assert codes_in(client.get(CODES)) == []


def test_sessions_in_cookies(client: Client, user: Any, settings: Any) -> None:
    """The ciphertext is in the browser, which can keep it: it expires, and is small."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    log_in(client, user)
    codes = codes_in(press(client))
    assert len(codes) == 10
    assert codes_in(client.get(CODES)) == codes
    assert len(client.cookies["sessionid"].value) < 2048
