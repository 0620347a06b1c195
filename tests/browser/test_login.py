"""The login in a real browser."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest

from swap_user.testing import outbox
from tests.browser.conftest import NewPage
from tests.support import username

pytestmark = pytest.mark.django_db(transaction=True)

INDEX = re.compile(r"^[^?]*/admin/$")
CHECK = re.compile(r"/admin/check-otp/")
WIDTHS = {"narrow": 390, "wide": 1280}


@pytest.mark.requirement("R39")
def test_by_keyboard_alone(page: Any, staff: Any) -> None:
    """A whole login without a mouse."""
    page.goto("/admin/")
    focused(page, "id_username")
    page.keyboard.type(username())
    page.keyboard.press("Enter")
    focused(page, "id_otp")
    page.keyboard.type(outbox[-1].otp)
    page.keyboard.press("Enter")
    page.wait_for_url(INDEX)
    assert "Site administration" in page.title()


@pytest.mark.requirement("R39")
def test_keyboard_order(page: Any, staff: Any) -> None:
    """From the code on: log in, a new code once that is possible, start over. Focus is seen."""
    page.clock.install()
    second_page(page)
    page.clock.fast_forward("00:31")
    focused(page, "id_otp")
    order = []
    for _ in range(4):
        order.append(page.evaluate("document.activeElement.value || document.activeElement.text"))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"
        if not order[-1]:
            order[-1] = page.evaluate("document.activeElement.textContent || 'field'")
        page.keyboard.press("Tab")
    assert order == ["field", "Log in", "Send a new code", "Use a different account"]


@pytest.mark.requirement("R42")
@pytest.mark.parametrize("around", ["\u200b{}", "\u202a{}\u202c", " {}\ufeff"])
def test_paste_with_invisible_characters(page: Any, staff: Any, around: str) -> None:
    """The browser's own check of an email field would refuse the name without a word of ours."""
    page.goto("/admin/")
    page.fill("#id_username", around.format(username()))
    page.keyboard.press("Enter")
    page.wait_for_url(CHECK)
    page.locator("#id_otp").press_sequentially(around.format(outbox[-1].otp))
    page.keyboard.press("Enter")
    page.wait_for_url(INDEX)


@pytest.mark.requirement("R42")
def test_what_is_no_address_gets_our_error(page: Any, staff: Any) -> None:
    """Also nothing at all: the page says what is wrong, at the field."""
    page.goto("/admin/")
    for typed in ("", "ann"):
        page.fill("#id_username", typed)
        page.keyboard.press("Enter")
        page.wait_for_selector("#id_username[aria-invalid=true]")
        page.reload()


@pytest.mark.requirement("R39")
def test_without_javascript(new_page: NewPage, staff: Any, settings: Any) -> None:
    """Also the resend: nothing is disabled that only a script could enable."""
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_RESEND_INTERVAL": 0}
    page = new_page(java_script_enabled=False)
    second_page(page)
    page.wait_for_selector("text=The code expires in 5 minutes.")
    page.click("text=Send a new code")
    page.wait_for_selector("text=A new message is on its way.")
    assert len(outbox) == 2
    page.locator("#id_otp").press_sequentially("12345678")
    page.click("text=Log in")
    page.wait_for_selector("text=That code did not work.")
    page.locator("#id_otp").press_sequentially(outbox[0].otp)
    page.click("text=Log in")
    page.wait_for_url(INDEX)


def test_resend_too_early_without_javascript(new_page: NewPage, staff: Any) -> None:
    """The page says when to come back, and the first code still works."""
    page = new_page(java_script_enabled=False)
    second_page(page)
    page.click("text=Send a new code")
    page.wait_for_selector(r"text=/You can ask for another code in \d+ seconds?\./")
    assert len(outbox) == 1
    page.locator("#id_otp").press_sequentially(outbox[0].otp)
    page.click("text=Log in")
    page.wait_for_url(INDEX)


def test_countdown(page: Any, staff: Any) -> None:
    """Life and wait run down to the second; a screen reader announces only the changes of state."""
    page.clock.install()
    second_page(page)
    life, status = page.locator(".otp-life"), page.locator("#otp-status")
    resend = page.get_by_role("button", name="Send a new code")
    page.clock.pause_at(dt.datetime.fromtimestamp(page.evaluate("Date.now()") / 1000 + 5))
    assert re.search(r"The code expires in 4:5\d\.", life.inner_text())
    assert re.fullmatch(r"Send a new code in 0:2\d", page.inner_text(".otp-wait"))
    assert resend.is_disabled()
    assert status.inner_text() == ""

    page.clock.run_for("00:30")
    assert resend.is_enabled()
    assert page.inner_text(".otp-wait") == "Send a new code"
    assert status.inner_text() == "You can ask for a new code now."

    page.clock.run_for("03:40")
    assert status.inner_text() == "The code expires in one minute."
    page.clock.run_for("01:00")
    assert life.inner_text() == "The code has expired."
    assert "The code has expired." in status.inner_text()


@pytest.mark.parametrize("year", [2001, 2091])
def test_countdown_with_a_wrong_clock(page: Any, staff: Any, year: int) -> None:
    """The countdown does not depend on the clock of the visitor's computer."""
    page.clock.install(time=dt.datetime(year, 1, 1))
    second_page(page)
    assert re.search(r"The code expires in (5:00|4:5\d)\.", page.inner_text(".otp-life"))


@pytest.mark.requirement("R24")
def test_resend_in_real_time(page: Any, staff: Any, settings: Any) -> None:
    """The button waits for its second; after the code has expired, a new one counts."""
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_RESEND_INTERVAL": 2, "OTP_TIMEOUT": 4}
    second_page(page)
    page.get_by_role("button", name="Send a new code", disabled=True).wait_for()
    page.get_by_role("button", name="Send a new code", disabled=False).click()
    page.wait_for_selector("text=A new message is on its way.")
    page.wait_for_selector("text=The code has expired.")
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_TIMEOUT": 300}
    page.get_by_role("button", name="Send a new code").click()
    page.wait_for_selector("text=The code expires in")
    assert len(outbox) == 3
    page.locator("#id_otp").press_sequentially(outbox[-1].otp)
    page.keyboard.press("Enter")
    page.wait_for_url(INDEX)


def test_double_click_sends_one_code(page: Any, staff: Any) -> None:
    """Two clicks in a row send one message."""
    page.goto("/admin/login/")
    page.fill("#id_username", username())
    page.dblclick("input[type=submit]")
    page.wait_for_url(CHECK)
    assert len(outbox) == 1


def test_back_button(page: Any, staff: Any) -> None:
    """Back, the same name again: no second message, and the code is still good."""
    second_page(page)
    page.go_back()
    page.fill("#id_username", username())
    page.keyboard.press("Enter")
    focused(page, "id_otp")
    assert len(outbox) == 1
    page.keyboard.type(outbox[0].otp)
    page.keyboard.press("Enter")
    page.wait_for_url(INDEX)


def test_reduced_motion(page: Any, staff: Any) -> None:
    """Nothing moves for visitors who ask for less motion."""
    second_page(page)
    moving = """[...document.querySelectorAll('.otp-login *')].filter(element =>
        getComputedStyle(element).transitionDuration.split(', ').some(time => time !== '0s')
        || getComputedStyle(element).animationName !== 'none').length"""
    assert page.evaluate(moving) == 0


@pytest.mark.requirement("R39")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS.keys())
def test_axe_finds_nothing(
    new_page: NewPage, staff: Any, axe_source: str, scheme: str, width: int
) -> None:
    """Both pages, and the second with an error, a message and an enabled resend."""
    page = new_page(color_scheme=scheme, viewport={"width": width, "height": 800})
    page.clock.install()
    page.goto("/admin/login/")
    assert violations(page, axe_source) == []
    second_page(page)
    assert violations(page, axe_source) == []
    page.evaluate("document.querySelector('#resend-form').submit()")
    page.wait_for_selector("text=You can ask for another code")
    page.locator("#id_otp").press_sequentially("nothing")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=That code did not work")
    page.clock.fast_forward("00:31")
    assert violations(page, axe_source) == []
    page.clock.fast_forward("05:00")
    assert violations(page, axe_source) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS.keys())
def test_screenshots(
    new_page: NewPage, staff: Any, screenshots: Path, scheme: str, width: int
) -> None:
    """To be looked at; nothing may stick out sideways."""
    page = new_page(
        color_scheme=scheme, viewport={"width": width, "height": 700}, device_scale_factor=2
    )

    def shoot(name: str) -> None:
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.screenshot(path=screenshots / f"{name}-{scheme}-{width}.png")

    page.clock.install()
    page.goto("/admin/login/")
    shoot("1-login")
    second_page(page)
    shoot("2-code")
    page.locator("#id_otp").press_sequentially("123 456")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=That code did not work")
    shoot("3-wrong")
    page.evaluate("document.querySelector('#resend-form').submit()")
    page.wait_for_selector("text=You can ask for another code")
    shoot("4-early")
    page.clock.fast_forward("00:31")
    shoot("5-resend")
    page.clock.fast_forward("05:00")
    shoot("6-expired")


def second_page(page: Any) -> None:
    """Ask for a code."""
    page.goto("/admin/login/")
    page.fill("#id_username", username())
    page.keyboard.press("Enter")
    page.wait_for_url(CHECK)


def focused(page: Any, name: str) -> None:
    """Wait until the page has put the cursor there of itself."""
    page.wait_for_selector(f"#{name}:focus")


def violations(page: Any, axe_source: str) -> list[str]:
    """Return what axe-core objects to on this page."""
    page.evaluate(axe_source)
    # axe would read style sheets that are imported by a style of its own, which the policy blocks.
    found = page.evaluate('axe.run({preload: false, resultTypes: ["violations"]})')["violations"]
    return [f"{rule['id']}: {[node['html'] for node in rule['nodes']]}" for rule in found]


def test_policy_is_on(staff: Any, live_server: Any) -> None:
    """Otherwise none of the above would show anything about it."""
    import urllib.request

    with urllib.request.urlopen(f"{live_server.url}/admin/login/") as response:
        assert response.headers["Content-Security-Policy"].startswith("default-src 'self'")
