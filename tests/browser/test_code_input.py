"""A whole code that comes at once submits the form; one that is typed waits for the button."""

from __future__ import annotations

import re
from typing import Any

import pytest

from swap_user.testing import outbox
from tests.browser.conftest import NewPage
from tests.support import username

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.requirement("R39")]

DOORS = {
    "admin": ("/admin/", re.compile(r"^[^?]*/admin/$")),
    "own": ("/account/login/", re.compile(r"/account/sign-in-methods/$")),
}


@pytest.fixture(params=DOORS)
def door(request: pytest.FixtureRequest) -> tuple[str, re.Pattern[str]]:
    """The first page, and where it leads after a login."""
    return DOORS[request.param]


def ask(page: Any, door: tuple[str, re.Pattern[str]]) -> str:
    """Go to the page for the code, and return the code."""
    page.goto(door[0])
    page.fill("#id_username", username())
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/check-otp/"))
    page.wait_for_load_state()
    return outbox[-1].otp


def paste(page: Any, text: str) -> None:
    """Paste into the field that has the focus."""
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    page.keyboard.press("Control+v")


@pytest.fixture
def page(new_page: NewPage) -> Any:
    """A page that may use the clipboard."""
    return new_page(permissions=["clipboard-read", "clipboard-write"])


@pytest.mark.parametrize("form", ["{0}{1}", "  {0} {1}\n", "{0}-{1}", "\u202a{0}{1}\u202c"])
def test_a_pasted_code_submits_the_form(page: Any, staff: Any, door: Any, form: str) -> None:
    """With spaces and invisible characters, as messages have them."""
    code = ask(page, door)
    paste(page, form.format(code[:3], code[3:]))
    page.wait_for_url(door[1])


def test_autofill_submits_the_form(page: Any, staff: Any, door: Any) -> None:
    """Browsers and keyboards set the value at once."""
    page.fill("#id_otp", ask(page, door))
    page.wait_for_url(door[1])


def test_typing_does_not_submit(page: Any, staff: Any, door: Any) -> None:
    """Nor does a part that is pasted to a part that was typed."""
    code = ask(page, door)
    page.keyboard.type(code)
    page.wait_for_timeout(500)
    assert "/check-otp/" in page.url
    page.fill("#id_otp", "")
    page.keyboard.type(code[:3])
    paste(page, code[3:])
    page.wait_for_timeout(500)
    assert "/check-otp/" in page.url
    page.keyboard.press("Enter")
    page.wait_for_url(door[1])


@pytest.mark.parametrize("text", ["12345", "12345678901", "hello world", "0000 0000 0000 0000"])
def test_what_is_no_code_of_an_app_or_a_message(
    page: Any, staff: Any, door: Any, text: str
) -> None:
    """Also a recovery code, which is for the visitor to send."""
    ask(page, door)
    paste(page, text)
    page.wait_for_timeout(500)
    assert page.input_value("#id_otp") == text


def test_a_wrong_code_is_sent_once(page: Any, staff: Any, door: Any) -> None:
    """The page comes back with an empty field, and waits."""
    code = ask(page, door)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    sent = []
    page.on("request", lambda request: request.method == "POST" and sent.append(request.url))
    paste(page, wrong)
    page.wait_for_selector("text=That code did not work.")
    page.wait_for_timeout(300)
    assert len(sent) == 1
    assert page.input_value("#id_otp") == ""
    paste(page, code)
    page.wait_for_url(door[1])


WEB_OTP = """
    window.OTPCredential = class {};
    navigator.credentials.get = ({ otp, signal }) => new Promise((resolve, reject) => {
        window.asked = otp.transport.join();
        window.deliver = (code) => resolve({ code });
        signal.addEventListener("abort", () => {
            sessionStorage.aborted = "yes";
            reject(signal.reason);
        });
    });
"""


def test_a_text_message_submits_the_form(page: Any, staff: Any, door: Any) -> None:
    """WebOTP, which Chromium has only on Android: here it is played by a script."""
    page.add_init_script(WEB_OTP)
    code = ask(page, door)
    assert page.evaluate("window.asked") == "sms"
    page.evaluate("code => window.deliver(code)", code)
    page.wait_for_url(door[1])


def test_waiting_for_a_message_ends_with_the_form(page: Any, staff: Any, door: Any) -> None:
    """The browser stops asking the visitor for permission."""
    page.add_init_script(WEB_OTP)
    page.keyboard.type(ask(page, door))
    page.keyboard.press("Enter")
    page.wait_for_url(door[1])
    assert page.evaluate("sessionStorage.aborted") == "yes"
