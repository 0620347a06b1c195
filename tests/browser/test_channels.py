"""The buttons of other channels, in a real browser."""

from __future__ import annotations

import re
from typing import Any

import pytest

from swap_user.testing import outbox
from tests.otp.delivery.helpers import use_sender
from tests.otp.pages.login.test_channels import Chain
from tests.support import configure, username

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.requirement("R39")
def test_another_channel_after_the_pause(page: Any, staff: Any, settings: Any) -> None:
    """The button waits with the usual one, is announced with its group, and sends its name."""
    use_sender(settings, Chain)
    page.clock.install()
    page.goto("/admin/login/")
    page.fill("#id_username", username())
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/admin/check-otp/"))
    group = page.get_by_role("group", name="Send it another way:")
    group.get_by_role("button", name="E-mail <us>", disabled=True).wait_for()
    configure(settings, OTP_RESEND_INTERVAL=0)
    page.clock.fast_forward("00:31")
    group.get_by_role("button", name="E-mail <us>", disabled=False).click()
    page.get_by_text("A new message is on its way.").wait_for()
    assert [each.receiver for each in outbox] == [username(), f"{staff.pk}@example.com"]
