"""Users who must enroll an app, in a real browser: what they see, and how they come back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import NewPage
from tests.browser.sign_in_methods import ask_policy_again, let_in, oathtool, scan
from tests.browser.test_login import violations
from tests.otp.enforcement import project
from tests.support import configure

pytestmark = pytest.mark.django_db(transaction=True)

SKINS = {
    "admin": ("/admin/", "/admin/sign-in-methods/"),
    "account": ("/account/sessions/", "/account/sign-in-methods/"),
}


@pytest.mark.requirement("R39")
@pytest.mark.parametrize(("skin", "width"), [("admin", 1280), ("account", 320)])
def test_the_reminder_and_the_way_back(
    new_page: NewPage,
    staff: Any,
    live_server: Any,
    axe_source: str,
    screenshots: Path,
    settings: Any,
    skin: str,
    width: int,
) -> None:
    """A note in the grace period; after it, one page until an app is added, then back."""
    page = new_page(viewport={"width": width, "height": 800})
    wanted, methods = SKINS[skin]

    def look(name: str) -> None:
        page.wait_for_load_state()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        assert violations(page, axe_source) == [], name
        page.screenshot(path=screenshots / f"must-enroll-{skin}-{name}.png", full_page=True)

    configure(settings, OTP_POLICY_CLASS=f"{project.__name__}.Everyone")
    let_in(page, staff, live_server)
    page.goto(methods)
    page.wait_for_selector("text=your account needs an authenticator app")
    look("1-grace")
    configure(settings, OTP_POLICY_CLASS=f"{project.__name__}.AtOnce")
    ask_policy_again()
    page.goto(wanted)
    page.wait_for_url(f"**{methods}add/?next={wanted}")
    page.wait_for_selector("text=Before you go on")
    look("2-over")
    page.click("text=Continue")
    page.wait_for_selector("svg[viewBox]")
    code = oathtool(scan(page))
    look("3-picture")
    page.locator("#id_otp").press_sequentially(code)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{methods}recovery-codes/?next={wanted}")
    page.click("text=Get recovery codes")
    page.click("text=I have kept them")
    page.wait_for_url(f"**{wanted}")
