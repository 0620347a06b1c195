"""The single-page app of the docs, as static files in a real browser, and the JSON API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.urls import clear_url_caches, path
from django.views.static import serve

from swap_user.api.problems import CODES
from swap_user.testing import enroll_authenticator, outbox
from tests.browser.sign_in_methods import make_stale, oathtool, scan
from tests.browser.test_login import violations
from tests.docs.reading import PROJECTS
from tests.support import use_policy, username
from tests.urls import urlpatterns as tests_urls

pytestmark = pytest.mark.django_db(transaction=True)

APP = "/shop/index.html"

urlpatterns = list(tests_urls)


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, settings: Any) -> Iterator[None]:
    """Serve the files of the page, under the strict policy of all pages here."""
    for block in PROJECTS["single-page"].blocks:
        if block.title.startswith("static/shop/"):
            (tmp_path / Path(block.title).name).write_text(block.body)
    served = path("shop/<path:path>", serve, {"document_root": tmp_path})
    urlpatterns[:] = [*tests_urls, served]
    settings.ROOT_URLCONF = __name__
    clear_url_caches()
    yield
    clear_url_caches()


@pytest.fixture
def shop(browser: Any, live_server: Any) -> Iterator[Any]:
    """
    The page, which is not logged in.

    What the browser complains of fails the test, except that an answer of the API has the status of
    an error: Chromium writes each of them to the console.
    """
    context = browser.new_context(base_url=live_server.url, reduced_motion="reduce")
    context.route("**/favicon.ico", lambda route: route.fulfill(status=204))
    page = context.new_page()
    page.set_default_timeout(10_000)
    complaints: list[str] = []

    def note(message: Any) -> None:
        is_answer = "/api/auth/" in message.location["url"] and "status of 4" in message.text
        if message.type in {"error", "warning"} and not is_answer:
            complaints.append(message.text)

    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", note)
    page.goto(APP)
    page.wait_for_selector("#ask:not([hidden])")
    yield page
    context.close()
    assert complaints == []


def ask(page: Any) -> None:
    page.fill("#ask input", username())
    page.keyboard.press("Enter")
    page.wait_for_selector("#enter:not([hidden])")


def log_in(page: Any) -> None:
    ask(page)
    page.keyboard.type(outbox[-1].otp)
    page.keyboard.press("Enter")
    page.wait_for_selector("#account:not([hidden])")


def problem(page: Any, text: str) -> None:
    page.wait_for_function("text => problem.textContent.includes(text)", arg=text)


def test_log_in_reload_and_log_out(shop: Any, user: Any) -> None:
    log_in(shop)
    assert shop.text_content("#who") == username()
    assert shop.evaluate("document.cookie").count("sessionid") == 0
    shop.reload()
    shop.wait_for_selector("#account:not([hidden])")
    assert "(this one)" in shop.text_content("#sessions li")
    shop.click("#log-out")
    shop.wait_for_selector("#ask:not([hidden])")
    shop.reload()
    shop.wait_for_selector("#ask:not([hidden])")
    log_in(shop)  # with another CSRF token


def test_errors_are_shown(shop: Any, user: Any) -> None:
    shop.evaluate("document.querySelector('#ask').noValidate = true")
    shop.fill("#ask input", "no address")
    shop.keyboard.press("Enter")
    problem(shop, "Enter a valid email address.")
    ask(shop)
    shop.keyboard.type("12")
    shop.keyboard.press("Enter")
    problem(shop, "That code did not work.")
    shop.fill("#enter input", outbox[-1].otp)
    shop.keyboard.press("Enter")
    shop.wait_for_selector("#account:not([hidden])")
    assert shop.text_content("#problem") == ""


def test_enroll_an_app(shop: Any, user: Any, axe_source: str, screenshots: Path) -> None:
    log_in(shop)
    shop.click("#add")
    shop.wait_for_selector("#confirm svg")
    shop.screenshot(path=screenshots / "single-page-enrollment.png", full_page=True)
    assert violations(shop, axe_source) == []
    code = oathtool(scan(shop))
    shop.fill("#confirm input", "12")
    shop.keyboard.press("Enter")
    problem(shop, "That code did not work.")
    shop.fill("#confirm input", code)
    shop.keyboard.press("Enter")
    shop.wait_for_selector("#account:not([hidden])")
    assert shop.text_content("#authenticators li") == "My phone"
    shop.screenshot(path=screenshots / "single-page-account.png", full_page=True)
    assert violations(shop, axe_source) == []


def test_step_up_by_the_app(shop: Any, user: Any) -> None:
    app = enroll_authenticator(user)
    log_in(shop)
    make_stale(user)
    shop.click("#add")
    shop.wait_for_selector("#step-up:not([hidden])")
    shop.fill("#step-up input", "12")
    shop.keyboard.press("Enter")
    problem(shop, "That code did not work.")
    shop.fill("#step-up input", app.now())
    shop.keyboard.press("Enter")
    shop.wait_for_selector("#confirm svg")


def test_step_up_by_a_sent_code(shop: Any, user: Any) -> None:
    log_in(shop)
    make_stale(user)
    shop.click("#add")
    shop.wait_for_selector("#step-up:not([hidden])")
    shop.click("#send")
    problem(shop, "A code is on its way.")
    shop.fill("#step-up input", outbox[-1].otp)
    shop.keyboard.press("Enter")
    shop.wait_for_selector("#confirm svg")


def test_two_codes(shop: Any, user: Any, settings: Any) -> None:
    app = enroll_authenticator(user)
    use_policy(settings, "Both")
    ask(shop)
    shop.keyboard.type(outbox[-1].otp)
    shop.keyboard.press("Enter")
    problem(shop, "Now enter another code.")
    shop.fill("#enter input", app.now())
    shop.keyboard.press("Enter")
    shop.wait_for_selector("#account:not([hidden])")


def test_session_that_was_ended(shop: Any, user: Any) -> None:
    """The page leads to the login when it notices."""
    from swap_user.otp import end_sessions

    log_in(shop)
    end_sessions(user)
    shop.click("#add")
    shop.wait_for_selector("#ask:not([hidden])")
    problem(shop, str(CODES["not_authenticated"][1]))


def test_login_in_another_tab(shop: Any, user: Any) -> None:
    """It changes the CSRF token; the page gets the new one."""
    other = shop.context.new_page()
    other.goto(APP)
    other.wait_for_selector("#ask:not([hidden])")
    log_in(other)
    shop.fill("#ask input", username())
    shop.keyboard.press("Enter")
    shop.wait_for_selector("#enter:not([hidden])")
