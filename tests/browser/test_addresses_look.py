"""How the pages look on which an address is confirmed by a code, in both skins."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from swap_user.models import AddressChange
from swap_user.otp.admin import user_sessions
from swap_user.otp.delivery import not_me, undo_link
from swap_user.testing import outbox
from tests.browser.conftest import NewPage
from tests.browser.sign_in_methods import let_in
from tests.browser.sign_up_form import ShopForm
from tests.browser.test_login import violations
from tests.otp.admin.staff import EVIL, FIREFOX, browser_of, know
from tests.support import configure, give, make_user, username

pytestmark = pytest.mark.django_db(transaction=True)

Look = Callable[[str], None]

LONG = "a-customer-with-quite-a-long-name-before-the-sign@department.of-a-company.example.com"

SKINS = {"own": "/account/", "admin": "/admin/"}


LOOKS = [(320, "light"), (390, "dark"), (1280, "light"), (1280, "dark")]


@pytest.fixture(params=LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
def screen(request: Any) -> tuple[int, str]:
    """A width, in pixels, and a color scheme."""
    screen: tuple[int, str] = request.param
    return screen


@pytest.fixture
def page(new_page: NewPage, screen: tuple[int, str]) -> Any:
    """A page on this screen."""
    width, scheme = screen
    return new_page(color_scheme=scheme, viewport={"width": width, "height": 800})


@pytest.fixture
def look(page: Any, axe_source: str, screenshots: Path, screen: tuple[int, str]) -> Look:
    """Nothing sticks out sideways, and axe-core objects to nothing. A screenshot is kept."""
    width, scheme = screen

    def look(name: str) -> None:
        page.wait_for_load_state()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        page.screenshot(path=screenshots / f"{name}-{scheme}-{width}.png", full_page=True)
        assert violations(page, axe_source) == [], name

    return look


@pytest.mark.requirement("R50")
@pytest.mark.parametrize("skin", SKINS)
def test_change_and_undo(
    page: Any, look: Look, staff: Any, live_server: Any, settings: Any, skin: str
) -> None:
    """From the overview to the new address, and back by the link in the notice."""
    settings.ALLOWED_HOSTS = ["localhost"]
    configure(settings, OTP_RESEND_INTERVAL=0)
    root = SKINS[skin]
    let_in(page, staff, live_server)
    page.goto(f"{root}sign-in-methods/")
    page.click("[aria-label='Change where codes are sent']")
    page.wait_for_selector("#id_username:focus")
    look(f"{skin}-change-1-address")
    page.fill("#id_username", "nowhere")
    page.keyboard.press("Enter")
    page.wait_for_selector("#id_username[aria-invalid=true]")
    look(f"{skin}-change-2-invalid")
    page.fill("#id_username", LONG)
    page.keyboard.press("Enter")
    page.wait_for_selector("#id_otp:focus")
    look(f"{skin}-change-3-code")
    page.keyboard.type("123 456")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=That code did not work")
    look(f"{skin}-change-4-wrong")
    page.click("text=Send a new code")
    page.wait_for_selector("text=A new message is on its way.")
    look(f"{skin}-change-5-resent")
    page.fill("#id_otp", outbox[-1].otp)
    page.wait_for_url("**/sign-in-methods/")
    look(f"{skin}-change-6-done")


@pytest.mark.requirement("R50")
@pytest.mark.parametrize("skin", SKINS)
def test_undo(
    page: Any, look: Look, staff: Any, live_server: Any, settings: Any, skin: str
) -> None:
    """Every answer to the link in the notice of a change."""
    root = SKINS[skin]
    get_user_model()._default_manager.update(email=LONG)
    change = AddressChange.objects.create(user=staff, previous=username(), current=LONG)
    url = undo_link.link(f"{root}change-username/undo/", staff, "en", change.pk)
    ignore_status(page)
    page.goto(f"{url}x")
    look(f"{skin}-undo-1-invalid")
    page.goto(url)
    look(f"{skin}-undo-2-ask")
    give(staff)
    staff.otp_authenticators.update(created_at=change.changed_at - timedelta(days=8))
    AddressChange.objects.update(needs_code=True)
    page.goto(url)
    page.wait_for_selector("#id_otp:focus")
    look(f"{skin}-undo-3-code")
    page.keyboard.type("nothing")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=That code did not work")
    look(f"{skin}-undo-4-wrong")
    staff.otp_authenticators.all().delete()
    AddressChange.objects.update(needs_code=False, current=username(3))
    page.goto(url)
    page.click("[type=submit]")
    page.wait_for_selector("text=can’t be undone")
    look(f"{skin}-undo-5-impossible")
    AddressChange.objects.update(current=LONG)
    page.goto(url)
    page.click("[type=submit]")
    page.wait_for_selector("text=has its former address again")
    look(f"{skin}-undo-6-done")


@pytest.mark.requirement("R26")
@pytest.mark.parametrize("skin", SKINS)
def test_not_me(page: Any, look: Look, staff: Any, live_server: Any, skin: str) -> None:
    """Every answer to the link in a notice."""
    url = f"{SKINS[skin]}not-me/?token={not_me.sign(staff)}"
    ignore_status(page)
    page.goto(url[:-1])
    look(f"{skin}-not-me-1-invalid")
    page.goto(url)
    look(f"{skin}-not-me-2-ask")
    page.click("[type=submit]")
    page.wait_for_selector("text=All sessions have ended")
    look(f"{skin}-not-me-3-done")


def test_sign_up(page: Any, look: Look, db: None, live_server: Any, settings: Any) -> None:
    """From the login page, with the form of a project, to the overview."""
    configure(settings, OTP_SIGN_UP=f"{ShopForm.__module__}.{ShopForm.__name__}")
    page.goto("/account/login/")
    look("sign-up-0-login")
    page.click("text=Create an account")
    page.wait_for_selector("#id_name:focus")
    look("sign-up-1-form")
    page.fill("#id_name", "Ann")
    page.keyboard.press("Enter")
    page.wait_for_selector("#id_terms[aria-invalid=true]")
    page.wait_for_selector("#id_username:focus")
    look("sign-up-2-errors")
    page.fill("#id_username", LONG)
    page.check("#id_terms")
    look("sign-up-3-filled")
    page.click("button[type=submit]")
    page.wait_for_selector("#id_otp:focus")
    look("sign-up-4-code")
    page.keyboard.type("nothing")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=That code did not work")
    look("sign-up-5-wrong")
    page.fill("#id_otp", outbox[-1].otp)
    page.wait_for_url("**/sign-in-methods/")


def test_sessions_of_a_user(
    page: Any, look: Look, staff: Any, live_server: Any, monkeypatch: Any
) -> None:
    """What staff see: none, many, and the page before all of them end."""
    monkeypatch.setattr(user_sessions, "PER_PAGE", 2)
    customer = make_user(2)
    get_user_model()._default_manager.filter(pk=customer.pk).update(email=LONG)
    let_in(page, staff, live_server)
    page.goto(f"/admin/sign-in-methods/users/{customer.pk}/")
    look("staff-1-none")
    for agent in (FIREFOX, "x" * 200, EVIL):
        browser_of(customer, agent)
    know(customer, "a", network="2001:db8:1234::/48")
    know(customer, "b", "")
    page.reload()
    look("staff-2-some")
    page.click("text=End all sessions")
    page.wait_for_url("**/end/")
    look("staff-3-confirm")
    page.click("input[type=submit]")
    page.wait_for_selector("text=Ended all sessions")
    look("staff-4-ended")


def ignore_status(page: Any) -> None:
    """Let answers with status 404 come with 200: the browser complains of them on its console."""

    def answer(route: Any) -> None:
        route.fulfill(response=route.fetch(), status=200)

    page.route("**/?token=*", answer)
