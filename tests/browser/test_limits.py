"""What an owner meets whose short code is not compared any more, in a real browser."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from swap_user.testing import outbox
from tests.browser.conftest import NewPage
from tests.browser.test_login import INDEX, WIDTHS, second_page, violations
from tests.support import enter, visitor

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.requirement("R19")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS.keys())
def test_the_owner_gets_in_while_strangers_guess(
    new_page: NewPage,
    staff: Any,
    axe_source: str,
    screenshots: Path,
    settings: Any,
    scheme: str,
    width: int,
) -> None:
    """
    The page says what to do, and not what others did: a new code is longer, and works.

    The browser is known from then on, and gets short ones.
    """
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_RESEND_INTERVAL": 0}
    page = new_page(
        color_scheme=scheme, viewport={"width": width, "height": 800}, device_scale_factor=2
    )
    second_page(page)
    strangers_guess()

    page.locator("#id_otp").press_sequentially(outbox[-1].otp)
    page.click("text=Log in")
    page.wait_for_selector("text=ask for a new one, or use a recovery code")
    page.wait_for_load_state()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(page, axe_source) == []
    page.screenshot(path=screenshots / f"7-limited-{scheme}-{width}.png", full_page=True)

    page.click("text=Send a new code")
    page.wait_for_selector("text=A new message is on its way.")
    code = outbox[-1].otp
    assert re.fullmatch(r"\d{10}", code)
    page.locator("#id_otp").press_sequentially(f"{code[:5]} {code[5:]}")
    page.click("text=Log in")
    page.wait_for_url(INDEX)

    page.context.clear_cookies(name="sessionid")
    second_page(page)
    assert len(outbox[-1].otp) == 6
    page.locator("#id_otp").press_sequentially(outbox[-1].otp)
    page.click("text=Log in")
    page.wait_for_url(INDEX)


def strangers_guess() -> None:
    """Spend what strangers may guess at the account."""
    for number in range(20):
        assert enter(visitor(REMOTE_ADDR=f"203.0.113.{number}"), "000000") is None
