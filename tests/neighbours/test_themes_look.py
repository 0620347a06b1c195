"""How the pages look in themes of the admin: computed styles in Chromium, in their own colors."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from typing import Any

import pytest

from tests.browser.conftest import missing
from tests.neighbours.projects import run_project
from tests.neighbours.test_themes import INSTALL, SETTINGS, themes
from tests.user_models import UserModel

pytestmark = pytest.mark.skipif(
    UserModel._meta.label != "swap_to_email_otp.EmailOTPUser", reason="one user model is enough"
)

# As docs/howto/themes.md says.
UNFOLD = {
    "mysite/sites.py": """
from unfold.sites import UnfoldAdminSite
from swap_user.otp.sites import OTPAdminSiteMixin
class MySite(OTPAdminSiteMixin, UnfoldAdminSite):
    pass
""",
    "mysite/apps.py": """
from swap_user.apps import OTPSiteConfig
class MyAdminConfig(OTPSiteConfig):
    default_site = "mysite.sites.MySite"
""",
}
INSTALL_UNFOLD = '["unfold.apps.BasicAppConfig", "mysite.apps.MyAdminConfig", *apps[1:]]'

DATABASE = """
ours["DATABASES"]["default"]["NAME"] = str(base.RUN_DIR / "{theme}.sqlite3")
ours["STATIC_URL"] = "/static/"
ours["DEBUG"] = True  # the server of static files asks for it
"""

LOOK = """
import os
import threading
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from playwright.sync_api import TimeoutError, sync_playwright

call_command("migrate", verbosity=0)
from swap_user.testing import outbox
from tests.support import make_user, username

os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
boss, other = make_user(1, is_staff=True, is_superuser=True), make_user(2)


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass


server = ThreadedWSGIServer(("localhost", 0), Quiet)
server.daemon_threads = True
server.set_app(StaticFilesHandler(get_wsgi_application()))
threading.Thread(target=server.serve_forever, daemon=True).start()

STYLES = '''
([selector, properties]) => {
  const style = getComputedStyle(document.querySelector(selector));
  return Object.fromEntries(properties.map((name) => [name, style.getPropertyValue(name)]));
}
'''

with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    page = browser.new_page(
        base_url=f"http://localhost:{server.server_port}", viewport={"width": 320, "height": 700}
    )
    page.set_default_timeout(20_000)

    def look(name, field=None, button=None):
        page.wait_for_load_state()
        page.evaluate("document.activeElement.blur()")
        page.wait_for_timeout(300)  # a transition of the theme
        seen = {"overflow": page.evaluate("document.documentElement.scrollWidth - innerWidth")}
        if field:
            seen["field"] = page.evaluate(STYLES, [field, ["border-top-style", "border-top-width"]])
        if button:
            seen["button"] = page.evaluate(STYLES, [button, ["background", "color", "opacity"]])
        said[name] = seen

    def is_shown(url):
        try:
            page.locator(f"a[href='{url}']").first.wait_for(state="visible")
        except TimeoutError:
            return False
        return True

    page.goto("/admin/login/")
    look("login", "#id_username", ".otp-login [type=submit]")
    said["name"] = page.evaluate("document.body.innerText")
    page.fill("#id_username", username())
    page.press("#id_username", "Enter")
    page.wait_for_selector("#id_otp")
    look("code", "#id_otp", ".otp-login [type=submit]")
    page.fill("#id_otp", outbox[-1].otp)
    page.wait_for_url("**/admin/")
    page.set_viewport_size({"width": 1280, "height": 700})
    if menu := MENU:
        page.locator(menu).first.click()
    said["link"] = is_shown("/admin/sign-in-methods/")
    page.goto(f"/admin/swap_to_email_otp/emailotpuser/{other.pk}/change/")
    said["sessions"] = is_shown(f"/admin/sign-in-methods/users/{other.pk}/")
    page.set_viewport_size({"width": 320, "height": 700})
    page.goto("/admin/sign-in-methods/")
    look("methods", None, "a.button")
    page.goto("/admin/sign-in-methods/add/")
    look("add", "#id_name", ".submit-row [type=submit]")
    page.press("#id_name", "Enter")
    page.wait_for_selector(".otp-qr")
    look("confirm", "#id_otp", ".submit-row [type=submit]")
    page.goto("/admin/sign-in-methods/recovery-codes/")
    page.locator(".submit-row [type=submit]").click()
    page.wait_for_selector("#otp-copy")
    look("codes", None, "#otp-copy")
    page.goto("/admin/sign-in-methods/sessions/")
    look("sessions page")
    page.goto(f"/admin/sign-in-methods/users/{other.pk}/end/")
    look("end", None, ".submit-row [type=submit]")
    browser.close()
server.shutdown()
"""

MENUS = {"unfold": r"div[x-on\:click='openUserLinks = !openUserLinks']"}


@pytest.mark.parametrize("theme", themes("unfold", "jazzmin", "grappelli", "admin_interface"))
def test_own_look(theme: str, shared_redis: Any) -> None:
    """Fields have borders, buttons look like buttons, the links are there, and 320 pixels do."""
    chromium = shutil.which("chromium")
    if find_spec(theme) is None:
        pytest.skip(f"{theme} is not installed")
    if chromium is None or find_spec("playwright") is None:
        missing("there is no chromium on the path, or no Playwright")
    apps, urls = INSTALL[theme]
    files = {"urls.py": urls}
    if theme == "unfold":
        apps, files = INSTALL_UNFOLD, {**files, **UNFOLD}
    flags = ["--no-sandbox"] if os.geteuid() == 0 else []
    names = f"CHROMIUM, FLAGS, MENU = {chromium!r}, {flags!r}, {MENUS.get(theme)!r}\n"
    settings = SETTINGS.format(apps=apps) + DATABASE.format(theme=theme)
    said = run_project(settings, names + LOOK, files)
    if theme != "jazzmin":  # which shows a logo
        assert {"Django administration", "Grappelli"} & set(said["name"].splitlines())
    assert said["link"]
    assert said["sessions"]
    pages = {name: seen for name, seen in said.items() if isinstance(seen, dict)}
    assert len(pages) == 8
    for name, seen in pages.items():
        assert seen["overflow"] <= 0, name
        if "field" in seen:
            assert seen["field"]["border-top-style"] in {"solid", "inset"}, name
            assert float(seen["field"]["border-top-width"].removesuffix("px")) >= 1, name
        if "button" in seen:
            background, color = seen["button"]["background"], seen["button"]["color"]
            assert not background.startswith(("rgba(0, 0, 0, 0) none", "none")), name
            assert not background.startswith(color), name
            assert seen["button"]["opacity"] == "1", name
