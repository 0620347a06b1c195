"""The pages of a site's own users in a real browser."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from swap_user.models import KnownBrowser, LoginSession
from swap_user.testing import log_in, outbox
from tests.browser.conftest import NewPage
from tests.browser.sign_in_methods import let_in, make_stale, oathtool, scan
from tests.browser.test_login import violations
from tests.support import username

pytestmark = pytest.mark.django_db(transaction=True)

LOGIN = "/account/login/"
METHODS = "/account/sign-in-methods/"
CHECK = re.compile("/account/check-otp/")
IN = re.compile(rf"^[^?]*{METHODS}$")


@pytest.mark.requirement("R39")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_every_page_looked_at(
    new_page: NewPage,
    user: Any,
    live_server: Any,
    axe_source: str,
    screenshots: Path,
    scheme: str,
    width: int,
) -> None:
    """axe-core objects to nothing, nothing sticks out sideways; and a screenshot of each."""
    page = new_page(color_scheme=scheme, viewport={"width": width, "height": 800})

    def look(name: str) -> None:
        page.wait_for_load_state()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        assert violations(page, axe_source) == [], name
        page.screenshot(path=screenshots / f"own-{name}-{scheme}-{width}.png", full_page=True)

    page.goto(LOGIN)
    look("1-login")
    page.fill("#id_username", username())
    page.keyboard.press("Enter")
    page.wait_for_url(CHECK)
    look("2-code")
    page.keyboard.type("nothing")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=That code did not work")
    look("3-wrong")
    page.fill("#id_otp", outbox[-1].otp)
    page.wait_for_url(IN)
    add_neighbours(user)
    page.reload()
    look("4-methods")
    page.goto("/account/sessions/")
    page.wait_for_selector("text=Log out everywhere else")
    look("5-sessions")
    page.goto(f"{METHODS}add/")
    page.click("summary")
    look("6-add")
    page.fill("#id_name", "A phone with quite a long name, as some people like to have it")
    page.click("text=Continue")
    page.wait_for_selector(".swap-qr")
    look("7-scan")
    code = oathtool(scan(page))
    page.fill("#id_otp", code)
    page.wait_for_url(re.compile("recovery-codes"))
    page.goto(METHODS)
    look("8-app")
    page.click("text=Remove")
    look("9-remove")
    page.goto(f"{METHODS}recovery-codes/")
    look("10-recovery-codes")
    page.click("main button[type=submit]")
    page.wait_for_selector("ol")
    look("11-recovery-codes-shown")
    make_stale(user)
    page.goto(f"{METHODS}add/")
    page.wait_for_url(re.compile("/account/step-up/"))
    look("12-step-up")
    page.click("text=Send code")
    page.wait_for_selector("text=The code expires in")
    look("13-step-up-sent")
    page.goto(METHODS)
    page.click("text=Log out")
    page.wait_for_selector("text=You are logged out")
    look("14-logged-out")


def add_neighbours(user: Any) -> None:
    """Give the user another browser and another session, with long names."""
    agent = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/17.0 Safari/605.1.15"
    row = KnownBrowser.objects.get()
    row.pk, row.browser, row.user_agent, row._state.adding = None, "0" * 32, agent, True
    row.save()
    client = Client()
    log_in(client, user)
    session = LoginSession.objects.filter(session_key=client.session.session_key)
    session.update(
        user_agent="unheard-of/1.0 (with a name of its own; " * 3, network="2001:db8:85a3::/48"
    )


def test_by_keyboard_alone(page: Any, user: Any) -> None:
    """A whole login and logout. What has the focus is seen."""
    page.goto(METHODS)
    page.keyboard.type(username())
    page.keyboard.press("Enter")
    page.wait_for_url(CHECK)
    page.wait_for_function("document.activeElement.id == 'id_otp'")
    page.keyboard.type(outbox[-1].otp)
    page.keyboard.press("Enter")
    page.wait_for_url(IN)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to main content"
    for _ in range(2):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"
    assert page.evaluate("document.activeElement.textContent").strip() == "Log out"
    page.keyboard.press("Enter")
    page.wait_for_selector("text=You are logged out")


def test_without_javascript(new_page: NewPage, user: Any, settings: Any) -> None:
    """Also the resend: nothing is disabled that only a script could enable."""
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_RESEND_INTERVAL": 0}
    page = new_page(java_script_enabled=False)
    page.goto(LOGIN)
    page.fill("#id_username", username())
    page.click("text=Send code")
    page.wait_for_selector("text=The code expires in 5 minutes.")
    page.click("text=Send a new code")
    page.wait_for_selector("text=A new message is on its way.")
    page.fill("#id_otp", outbox[0].otp)
    page.click("button:has-text('Log in')")
    page.wait_for_url(IN)


def test_nothing_moves_after_a_wrong_code(page: Any, user: Any) -> None:
    """The button stays where it is: help and error have the same place."""
    page.goto(LOGIN)
    page.fill("#id_username", username())
    page.keyboard.press("Enter")
    page.wait_for_url(CHECK)
    button = page.get_by_role("button", name="Log in")
    before = button.bounding_box()
    page.keyboard.type("123456")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=That code did not work")
    assert abs(button.bounding_box()["y"] - before["y"]) < 1


def test_right_to_left(new_page: NewPage, user: Any, live_server: Any, settings: Any) -> None:
    """Nothing sticks out, and the fields for codes stay left to right."""
    settings.LANGUAGE_CODE = "ar"
    page = new_page(viewport={"width": 320, "height": 800})
    let_in(page, user, live_server)
    for url in (METHODS, "/account/sessions/", f"{METHODS}recovery-codes/"):
        page.goto(url)
        assert page.evaluate("document.documentElement.dir") == "rtl"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), url


@pytest.mark.parametrize("colors", ["active", "none"])
def test_forced_colors(new_page: NewPage, user: Any, colors: str) -> None:
    """Buttons and fields keep a border."""
    page = new_page(forced_colors=colors)
    page.goto(LOGIN)
    for selector in ("#id_username", "button[type=submit]"):
        style = f"getComputedStyle(document.querySelector('{selector}')).borderTopStyle"
        assert page.evaluate(style) == "solid"
