"""The pages on which an address is confirmed by a code, used in different ways."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from swap_user.models import AddressChange
from swap_user.otp.delivery import not_me, undo_link
from swap_user.testing import outbox
from tests.browser.conftest import NewPage
from tests.browser.sign_in_methods import let_in
from tests.browser.sign_up_form import ShopForm
from tests.support import configure, username

pytestmark = pytest.mark.django_db(transaction=True)

LOGIN, SIGN_UP = "/account/login/", "/account/sign-up/"
CHANGE = {"own": "/account/change-username/", "admin": "/admin/change-username/"}
METHODS = "**/sign-in-methods/"

FOCUSED = "document.activeElement"


@pytest.fixture
def _shop(db: None, settings: Any) -> None:
    """A project with a sign-up form of its own."""
    configure(settings, OTP_SIGN_UP=f"{ShopForm.__module__}.{ShopForm.__name__}")


@pytest.fixture
def undo(staff: Any) -> str:
    """Change the user's address, and return the path of the link that undoes it."""
    get_user_model()._default_manager.update(email=username(2))
    change = AddressChange.objects.create(user=staff, previous=username(), current=username(2))
    return undo_link.link(f"{CHANGE['own']}undo/", staff, "en", change.pk)


@pytest.mark.requirement("R39")
@pytest.mark.usefixtures("_shop")
def test_sign_up_by_keyboard(page: Any, live_server: Any) -> None:
    """Every field is reached in its order, and what has the focus is seen."""
    page.goto(LOGIN)
    page.locator("text=Create an account").press("Enter")
    page.wait_for_selector("#id_name:focus")
    page.keyboard.type("Ann")
    page.keyboard.press("Enter")
    page.wait_for_selector("#id_username:focus")
    assert page.title().startswith("Error: ")
    page.keyboard.type(username())
    order = []
    for _ in range(6):
        page.keyboard.press("Tab")
        order.append(page.evaluate(f"{FOCUSED}.id || {FOCUSED}.textContent"))
        assert page.evaluate(f"getComputedStyle({FOCUSED}).outlineStyle") == "solid"
    boxes = ["id_terms", "terms of sale", "id_letters"]
    assert order == ["id_country", "id_orders_0", *boxes, "Continue"]
    page.focus("#id_terms")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_selector("#id_otp:focus")
    page.keyboard.type(outbox[-1].otp)
    page.keyboard.press("Enter")
    page.wait_for_url(METHODS)


@pytest.mark.usefixtures("_shop")
def test_the_whole_row_of_a_checkbox_can_be_pressed(page: Any, live_server: Any) -> None:
    """The words too, and each row is high enough for a thumb. The link in it is a link."""
    page.goto(SIGN_UP)
    row = page.locator(".swap-check", has=page.locator("#id_letters"))
    row.scroll_into_view_if_needed()
    box = row.bounding_box()
    assert box["height"] >= 44
    page.mouse.click(box["x"] + box["width"] - 4, box["y"] + box["height"] / 2)
    assert page.is_checked("#id_letters")
    assert not page.is_checked("#id_terms")
    for name in ("letters", "terms"):
        assert page.locator(f"#id_{name}").bounding_box()["width"] == 20
    page.route("**/terms/", lambda route: route.fulfill(body="The terms."))
    page.click("text=terms of sale")
    page.wait_for_url("**/terms/")


@pytest.mark.usefixtures("_shop")
def test_without_javascript(new_page: NewPage, staff: Any, live_server: Any, settings: Any) -> None:
    """Sign-up, with another message, and then a change of address."""
    configure(settings, OTP_RESEND_INTERVAL=0)
    page = new_page(java_script_enabled=False)
    page.goto(SIGN_UP)
    page.fill("#id_username", username(3))
    page.fill("#id_name", "Ann")
    page.check("#id_terms")
    page.click("text=Continue")
    page.click("text=Send a new code")
    page.wait_for_selector("text=A new message is on its way.")
    page.wait_for_selector("text=The code expires in 5 minutes.")
    page.fill("#id_otp", outbox[0].otp)
    page.click("button:has-text('Create account')")
    page.wait_for_url(METHODS)
    page.click("[aria-label='Change where codes are sent']")
    page.fill("#id_username", username(4))
    page.click("text=Send code")
    page.fill("#id_otp", outbox[-1].otp)
    page.click("button:has-text('Confirm')")
    page.wait_for_selector(f"text=Codes are now sent to {username(4)}.")


@pytest.mark.parametrize("skin", CHANGE)
def test_the_resend_waits(page: Any, staff: Any, live_server: Any, skin: str) -> None:
    """The button says how long, and a screen reader that it is over. The focus stays."""
    let_in(page, staff, live_server)
    page.clock.install()
    page.goto(CHANGE[skin])
    page.fill("#id_username", username(2))
    page.keyboard.press("Enter")
    page.wait_for_selector("#id_otp:focus")
    resend = page.get_by_role("button", name="Send a new code")
    page.clock.pause_at(dt.datetime.fromtimestamp(page.evaluate("Date.now()") / 1000 + 5))
    assert page.inner_text(".otp-wait").startswith("Send a new code in 0:2")
    assert resend.is_disabled()
    page.clock.run_for("00:30")
    assert resend.is_enabled()
    assert page.inner_text("#otp-status") == "You can ask for a new code now."
    assert page.locator("#otp-status").bounding_box()["width"] <= 1
    page.clock.run_for("05:00")
    assert page.inner_text(".otp-life") == "The code has expired."
    assert page.evaluate(f"{FOCUSED}.id") == "id_otp"


@pytest.mark.parametrize("skin", CHANGE)
def test_a_pasted_code_sends_itself(page: Any, staff: Any, live_server: Any, skin: str) -> None:
    """And the first page of the change never does, whatever is pasted into it."""
    let_in(page, staff, live_server)
    page.goto(CHANGE[skin])
    page.fill("#id_username", "123456")
    page.fill("#id_username", username(2))
    page.keyboard.press("Enter")
    page.wait_for_selector("#id_otp:focus")
    page.fill("#id_otp", outbox[-1].otp)
    page.wait_for_url(METHODS)
    staff.refresh_from_db()
    assert staff.email == username(2)


@pytest.mark.requirement("R39")
@pytest.mark.parametrize(
    "options",
    [
        {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2},
        {"viewport": {"width": 320, "height": 800}, "locale": "ar"},
        {"viewport": {"width": 390, "height": 800}, "forced_colors": "active"},
    ],
    ids=["zoom", "rtl", "forced-colors"],
)
@pytest.mark.usefixtures("_shop")
def test_every_page_holds(
    new_page: NewPage,
    staff: Any,
    live_server: Any,
    settings: Any,
    screenshots: Any,
    undo: str,
    options: dict[str, Any],
    request: Any,
) -> None:
    """Nothing sticks out; codes run left to right; what can be pressed keeps a border."""
    is_rtl = options.get("locale") == "ar"
    if is_rtl:
        settings.LANGUAGE_CODE = "ar"
    page = new_page(**options)

    def look(name: str) -> None:
        page.wait_for_load_state()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        assert page.evaluate("document.documentElement.dir") == ("rtl" if is_rtl else "ltr")
        if options.get("forced_colors"):
            outlines = """[...document.querySelectorAll(".submit-row :is(input, a), a.button")]
                .filter(each => getComputedStyle(each).outlineStyle === "none").length"""
            assert page.evaluate(outlines) == 0, name
        borders = """[...document.querySelectorAll(".swap-field > input, .swap-button")]
            .filter(each => getComputedStyle(each).borderTopStyle === "none").length"""
        assert page.evaluate(borders) == 0, name
        if page.locator("#id_otp").count():
            assert page.get_attribute("#id_otp", "dir") == "ltr"
        path = screenshots / f"holds-{request.node.callspec.id}-{name}.png"
        page.screenshot(path=path, full_page=True)

    page.goto(SIGN_UP)
    look("1-sign-up")
    page.click("button[type=submit]")
    page.wait_for_selector("#id_terms[aria-invalid=true]")
    look("2-errors")
    page.fill("#id_username", username(5))
    page.fill("#id_name", "Ann")
    page.check("#id_terms")
    page.click("button[type=submit]")
    page.wait_for_selector("#id_otp")
    look("3-code")
    page.goto(f"/account/not-me/?token={not_me.sign(staff)}")
    look("4-not-me")
    page.goto(undo)
    look("5-undo")
    let_in(page, staff, live_server)
    for skin, url in CHANGE.items():
        page.goto(f"{url}?new")
        look(f"6-{skin}-change")
        page.fill("#id_username", username(6))
        page.keyboard.press("Enter")
        page.wait_for_selector("#id_otp")
        look(f"7-{skin}-code")
    page.goto(f"/admin/sign-in-methods/users/{staff.pk}/")
    look("8-sessions")
