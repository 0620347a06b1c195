"""The pages on sign-in methods in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from swap_user.models import Authenticator
from swap_user.testing import outbox
from tests.browser.conftest import NewPage
from tests.browser.sign_in_methods import (
    ADD,
    CODES,
    METHODS,
    begin,
    let_in,
    make_stale,
    oathtool,
    scan,
)
from tests.browser.test_login import CHECK, INDEX, WIDTHS, focused, second_page
from tests.support import username

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.requirement("R15")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS.keys())
def test_scan_enroll_and_log_in(
    new_page: NewPage, staff: Any, live_server: Any, scheme: str, width: int
) -> None:
    """From the picture alone; the code that confirmed is used up, and the next one logs in."""
    page = new_page(color_scheme=scheme, viewport={"width": width, "height": 800})
    let_in(page, staff, live_server)
    uri = begin(page)
    assert uri.startswith("otpauth://totp/")
    assert Authenticator.objects.filter(type="totp").count() == 0
    used = oathtool(uri)
    page.locator("#id_otp").press_sequentially(used)
    page.click("input[value=Add]")
    page.wait_for_url(f"**{CODES}")
    page.wait_for_selector("text=“Work phone” was added.")

    fresh = new_page()
    second_page(fresh)
    fresh.locator("#id_otp").press_sequentially(used)
    fresh.keyboard.press("Enter")
    fresh.wait_for_selector("text=That code did not work.")
    fresh.locator("#id_otp").press_sequentially(oathtool(uri, step=1))
    fresh.keyboard.press("Enter")
    fresh.wait_for_url(INDEX)


@pytest.mark.requirement("R39")
def test_the_whole_path_by_keyboard_alone(page: Any, staff: Any) -> None:
    """Log in, add an app, get recovery codes, rename, remove: no mouse anywhere."""

    def tab_to(selector: str) -> None:
        for _ in range(60):
            if page.evaluate("s => document.activeElement?.matches(s)", selector):
                # What has the focus shows it.
                assert page.evaluate("""() => {
                    const style = getComputedStyle(document.activeElement);
                    return style.outlineStyle !== 'none' || style.boxShadow !== 'none'
                        || style.textDecorationLine !== 'none' || style.borderStyle !== 'none';
                }""")
                return
            page.keyboard.press("Tab")
        pytest.fail(f"no way to {selector} by keyboard")

    page.goto("/admin/")
    focused(page, "id_username")
    page.keyboard.type(username())
    page.keyboard.press("Enter")
    focused(page, "id_otp")
    page.keyboard.type(outbox[-1].otp)
    page.keyboard.press("Enter")
    page.wait_for_url(INDEX)

    tab_to(f"#user-tools a[href='{METHODS}']")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{METHODS}")
    tab_to(f"a.button[href='{ADD}']")
    page.keyboard.press("Enter")
    focused(page, "id_name")
    page.keyboard.type("Work phone")
    page.keyboard.press("Enter")
    page.wait_for_selector(".otp-qr")
    uri = scan(page)
    tab_to("#id_otp")
    page.keyboard.type(oathtool(uri))
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{CODES}")

    tab_to("input[type=submit]")
    page.keyboard.press("Enter")
    page.wait_for_selector("#otp-codes")
    tab_to("#otp-copy")
    tab_to("#otp-download")
    tab_to("#otp-print")
    tab_to("a.closelink")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{METHODS}")

    tab_to("a[aria-label='Rename Work phone']")
    page.keyboard.press("Enter")
    focused(page, "id_name")
    page.keyboard.press("Control+a")
    page.keyboard.type("Old phone")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=It is called “Old phone” now.")
    tab_to("a[aria-label='Remove Old phone']")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Remove Old phone?")
    tab_to(".otp-delete")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=“Old phone” was removed.")
    assert not Authenticator.objects.filter(type="totp").exists()


@pytest.mark.requirement("R31")
def test_copy_download_and_print(
    new_page: NewPage, staff: Any, live_server: Any, tmp_path: Path
) -> None:
    """Recovery codes can be copied, downloaded and printed."""
    page = new_page(permissions=["clipboard-read", "clipboard-write"])
    let_in(page, staff, live_server)
    page.goto(CODES)
    page.click("text=Get recovery codes")
    page.wait_for_selector("#otp-codes")
    shown = page.locator("#otp-codes code").all_inner_texts()
    assert len(shown) == 10
    page.click("#otp-copy")
    page.wait_for_selector("text=Copied.")
    assert page.evaluate("navigator.clipboard.readText()").split() == shown
    with page.expect_download() as caught:
        page.click("#otp-download")
    assert caught.value.suggested_filename == "recovery-codes.txt"
    caught.value.save_as(tmp_path / "codes.txt")
    assert (tmp_path / "codes.txt").read_text().split()[-10:] == shown
    page.evaluate("window.print = () => { window.printed = true }")
    page.click("#otp-print")
    assert page.evaluate("window.printed")
    page.emulate_media(media="print")
    assert page.locator("#otp-codes").is_visible()
    for hidden in ["#header", "#otp-tools", ".submit-row", "#nav-sidebar"]:
        assert not page.locator(hidden).is_visible()


@pytest.mark.requirement("R31")
def test_without_a_clipboard(new_page: NewPage, staff: Any, live_server: Any) -> None:
    """As on a site without HTTPS: the codes are copied the old way."""
    page = new_page()
    let_in(page, staff, live_server)
    page.goto(CODES)
    page.click("text=Get recovery codes")
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.click("#otp-copy")
    page.wait_for_selector("text=Copied.")


def test_without_javascript(new_page: NewPage, staff: Any, live_server: Any) -> None:
    """Everything but copy, download and print, which need it and stay out of sight."""
    page = new_page(java_script_enabled=False)
    let_in(page, staff, live_server)
    uri = begin(page)
    page.locator("#id_otp").press_sequentially("000 000")
    page.click("input[value=Add]")
    page.wait_for_selector("text=That is not the code.")
    assert scan(page) == uri
    page.locator("#id_otp").press_sequentially(oathtool(uri))
    page.click("input[value=Add]")
    page.click("text=Get recovery codes")
    page.wait_for_selector("#otp-codes")
    assert page.locator("#otp-codes li").count() == 10
    assert not page.locator("#otp-tools").is_visible()


@pytest.mark.requirement("R37")
def test_stale_login_and_back(new_page: NewPage, staff: Any, live_server: Any) -> None:
    """To the login page, where the name is filled in, and back to what one wanted."""
    page = new_page()
    let_in(page, staff, live_server)
    make_stale(staff)
    page.goto(METHODS)
    page.click("text=Add an authenticator app")
    page.wait_for_selector("text=please log in once more")
    assert page.input_value("#id_username") == username()
    page.keyboard.press("Enter")
    page.wait_for_url(CHECK)
    page.locator("#id_otp").press_sequentially(outbox[-1].otp)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{ADD}")
