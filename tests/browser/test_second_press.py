"""A button that is pressed again while the answer to the first press is on its way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.signals import request_finished, request_started

from swap_user.models import RecoveryCode
from swap_user.otp.pages.login import views
from swap_user.otp.verification import verifier
from swap_user.testing import outbox
from tests.browser.conftest import NewPage
from tests.browser.sign_in_methods import CODES, let_in
from tests.browser.test_login import CHECK, INDEX, second_page
from tests.support import username

pytestmark = pytest.mark.django_db(transaction=True)


class Gate:
    """Makes the server wait after a code was consumed, until the page has been pressed again."""

    def __init__(self) -> None:
        self.reached, self.opened, self.answered = (threading.Event() for _ in range(3))
        self.calls = 0

    def started(self, sender: object, environ: dict[str, Any], **kwargs: Any) -> None:
        if environ["QUERY_STRING"] == "pressed":
            self.opened.set()

    def finished(self, sender: object, **kwargs: Any) -> None:
        if self.opened.is_set():
            self.answered.set()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """A slow server: the answer to a right code waits at the gate."""
    gate, verify = Gate(), verifier.verify

    def slow(*args: Any, **kwargs: Any) -> Any:
        outcome = verify(*args, **kwargs)
        gate.calls += 1
        if outcome.user:
            gate.reached.set()
            gate.opened.wait(30)
        return outcome

    monkeypatch.setattr(verifier, "verify", slow)
    request_started.connect(gate.started)
    request_finished.connect(gate.finished)
    yield gate
    gate.opened.set()
    request_started.disconnect(gate.started)
    request_finished.disconnect(gate.finished)


# Playwright and Chromium's protocol wait for the answer too, so the page presses its own buttons.
# The request has no cookies: during a login the old session is deleted, and the answer to a request
# that names it deletes the cookie of the new one.
PRESS_AGAIN = """([what, selector]) => addEventListener("submit", () => setTimeout(() => {
    sessionStorage.held = document.querySelectorAll("[type=submit][aria-disabled=true]").length;
    sessionStorage.said = document.getElementById("otp-status").textContent;
    sessionStorage.focus = document.activeElement.id;
    document.querySelector(selector)[what]();
    fetch("/admin/jsi18n/?pressed", {credentials: "omit"});
}, 100), {once: true})"""

PRESSES = {
    "Enter": ["requestSubmit", "#login-form"],  # what the key does in a field
    "click": ["click", "#login-form [type=submit]"],
    "resend": ["click", "#resend-form button"],
}


@pytest.mark.parametrize("again", PRESSES)
def test_it_is_held_back(page: Any, staff: Any, settings: Any, gate: Gate, again: str) -> None:
    """By keyboard or mouse, on any button: the first answer comes, and it is a login."""
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_RESEND_INTERVAL": 0}
    second_page(page)
    page.evaluate(PRESS_AGAIN, PRESSES[again])
    page.locator("#id_otp").press_sequentially(outbox[-1].otp)
    page.keyboard.press("Enter")
    page.wait_for_url(INDEX)
    assert "Site administration" in page.title()
    assert page.evaluate("sessionStorage.held") == "2"
    assert page.evaluate("sessionStorage.said") == "The code is being checked."
    assert page.evaluate("sessionStorage.focus") == "id_otp"
    assert gate.opened.is_set()
    assert gate.calls == 1
    assert len(outbox) == 1


def test_the_name_too(page: Any, staff: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the answer is, one request is made."""
    asked: list[Any] = []
    send, pressed = views.send_code, threading.Event()

    def started(sender: object, environ: dict[str, Any], **kwargs: Any) -> None:
        if environ["QUERY_STRING"] == "pressed":
            pressed.set()

    def slow(*args: Any, **kwargs: Any) -> None:
        asked.append(args)
        pressed.wait(30)
        send(*args, **kwargs)

    monkeypatch.setattr(views, "send_code", slow)
    request_started.connect(started)
    page.goto("/admin/login/")
    page.evaluate(PRESS_AGAIN, PRESSES["click"])
    page.fill("#id_username", username())
    page.keyboard.press("Enter")
    page.wait_for_url(CHECK)
    request_started.disconnect(started)
    assert pressed.is_set()
    assert len(asked) == len(outbox) == 1


def test_released_when_no_answer_comes(page: Any, staff: Any) -> None:
    """After a minute, or when the visitor stops the browser."""
    page.clock.install()
    second_page(page)
    # No request, so that Playwright waits for no answer.
    page.evaluate("addEventListener('submit', event => event.preventDefault())")
    page.locator("#id_otp").press_sequentially("000000")
    held = page.locator("[type=submit][aria-disabled=true]")
    page.keyboard.press("Enter")
    assert held.count() == 2
    page.clock.run_for("00:59")
    assert held.count() == 2
    page.clock.run_for("00:02")
    assert held.count() == 0
    page.keyboard.press("Enter")
    assert held.count() == 2
    page.keyboard.press("Escape")
    assert held.count() == 0


def test_released_when_the_visitor_comes_back(page: Any, staff: Any) -> None:
    """By the back button, whether or not the browser has kept the page as it was."""
    second_page(page)
    page.locator("#id_otp").press_sequentially(outbox[-1].otp)
    page.keyboard.press("Enter")
    page.wait_for_url(INDEX)
    page.go_back()
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    assert page.locator("[aria-disabled=true]").count() == 0


def test_without_javascript(new_page: NewPage, staff: Any, gate: Gate) -> None:
    """The browser throws the first answer away; the next page says what happened, and a new code
    logs in."""
    page = new_page(java_script_enabled=False)
    second_page(page)
    page.locator("#id_otp").press_sequentially(outbox[-1].otp)
    page.keyboard.press("Enter")
    assert gate.reached.wait(10)
    page.keyboard.press("Enter")
    page.wait_for_selector("text=That code did not work.")
    gate.opened.set()
    assert gate.answered.wait(10)
    page.locator("#id_otp").press_sequentially(outbox[-1].otp)
    page.locator("#login-form [type=submit]").click()
    page.wait_for_selector("text=This login has ended")
    page.wait_for_selector("text=Ask for a new code")
    page.fill("#id_username", username())
    page.locator("[type=submit]").click()
    page.locator("#id_otp").press_sequentially(outbox[-1].otp)
    page.locator("#login-form [type=submit]").click()
    page.wait_for_url(INDEX)


def test_recovery_codes(page: Any, staff: Any, live_server: Any) -> None:
    """A double click makes one set, and a reload shows it again."""
    let_in(page, staff, live_server)
    page.goto(CODES)
    page.dblclick("input[type=submit]")
    page.wait_for_selector("#otp-codes")
    shown = page.locator("#otp-codes code").all_inner_texts()
    assert RecoveryCode.objects.count() == 10
    page.reload()
    assert page.locator("#otp-codes code").all_inner_texts() == shown
    page.click("text=Replace them with another set")
    page.wait_for_selector("text=A new set replaces them all.")
    page.click("input[type=submit]")
    page.wait_for_selector("#otp-codes")
    assert not set(page.locator("#otp-codes code").all_inner_texts()) & set(shown)
