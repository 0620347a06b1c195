"""How the pages on sign-in methods look, on narrow and wide screens, light and dark."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from swap_user.models import Authenticator, KnownBrowser, WrongGuess
from swap_user.otp import generate_recovery_codes
from swap_user.testing import outbox
from tests.browser.conftest import NewPage
from tests.browser.sign_in_methods import (
    ADD,
    CODES,
    METHODS,
    ask_policy_again,
    let_in,
    make_stale,
    oathtool,
    scan,
)
from tests.browser.test_login import WIDTHS, second_page, violations
from tests.support import give, make_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.requirement("R39")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS.keys())
def test_every_page_looked_at(
    new_page: NewPage,
    staff: Any,
    live_server: Any,
    settings: Any,
    axe_source: str,
    screenshots: Path,
    scheme: str,
    width: int,
) -> None:
    """axe-core objects to nothing, nothing sticks out sideways; and a screenshot of each."""
    page = new_page(
        color_scheme=scheme, viewport={"width": width, "height": 800}, device_scale_factor=2
    )

    def look(name: str) -> None:
        page.wait_for_load_state()  # a page without its style sheets has another width
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        assert violations(page, axe_source) == [], name
        page.screenshot(path=screenshots / f"{name}-{scheme}-{width}.png", full_page=True)

    let_in(page, staff, live_server)
    page.goto("/admin/")
    page.screenshot(path=screenshots / f"10-index-{scheme}-{width}.png")
    page.goto(METHODS)
    look("11-methods-empty")
    page.goto(ADD)
    page.click("summary")
    look("12-add")
    page.fill("#id_name", "Work phone")
    page.click("text=Continue")
    page.wait_for_selector(".otp-qr")
    look("13-add-scan")
    uri = scan(page)
    page.locator("#id_otp").press_sequentially("123 456")
    page.click("input[value=Add]")
    page.wait_for_selector("text=That is not the code.")
    look("14-add-wrong")
    page.goto(ADD)
    look("15-add-begun")
    page.click("text=Enter its code")
    page.locator("#id_otp").press_sequentially(oathtool(uri))
    page.click("input[value=Add]")
    page.wait_for_url(f"**{CODES}")
    look("16-recovery-offer")
    page.click("text=Get recovery codes")
    page.wait_for_selector("#otp-codes")
    look("17-recovery-codes")
    page.emulate_media(media="print")
    page.screenshot(path=screenshots / f"17-recovery-print-{scheme}-{width}.png")
    page.emulate_media(media="screen")
    give(staff, name="A very long name of a phone that somebody owns and likes a lot", type="hotp")
    for number, name in enumerate(["Firefox Linux", "x" * 200, ""]):
        KnownBrowser.objects.create(
            user=staff, browser=str(number), user_agent=name, network="2001:db8:1234::/48"
        )
    WrongGuess.objects.create(user=staff, at=int(time.time()), units=4, is_known=False)
    page.goto(METHODS)
    look("18-methods")
    page.click("[aria-label='Forget Firefox, Linux']")
    page.wait_for_selector("text=The browser was forgotten.")
    look("18-methods-forgotten")
    page.click("[aria-label='Rename Work phone']")
    page.wait_for_url("**/rename/")
    look("19-rename")
    page.goto(METHODS)
    page.click("[aria-label='Remove Work phone']")
    page.wait_for_url("**/remove/")
    look("20-remove")
    page.goto(CODES)
    look("21-recovery-replace")
    give(make_user(7), name="Pixel")
    page.goto("/admin/swap_user/authenticator/")
    page.screenshot(path=screenshots / f"22-admin-{scheme}-{width}.png")
    make_stale(staff)
    page.goto(ADD)
    look("23-log-in-again")
    page.context.clear_cookies()
    settings.SWAP_USER = {
        **settings.SWAP_USER,
        "OTP_POLICY_CLASS": "swap_user.otp.policies.Both",
        "OTP_STAFF_MUST_ENROLL": True,
    }
    second_page(page)
    look("24-both-first")
    page.locator("#id_otp").press_sequentially(outbox[-1].otp)
    page.keyboard.press("Enter")
    page.wait_for_selector("text=That was right.")
    look("25-both-second")
    page.locator("#id_otp").press_sequentially(generate_recovery_codes(staff)[0].lower())
    page.keyboard.press("Enter")
    page.wait_for_selector("text=You used a recovery code. 9 are left.")
    Authenticator.objects.filter(user=staff).delete()
    ask_policy_again()
    page.goto("/admin/")
    page.wait_for_selector("text=Before you go on")
    look("26-must-enroll")
