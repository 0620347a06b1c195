"""The shop of the demo, as customers and strangers use it. Their codes are on the page of mails."""

import os
import re
import subprocess
import sys
import time
from html import unescape
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from django.core.mail import EmailMessage
from django.http import Http404
from django.test import RequestFactory

from demo.languages import languages_of
from demo.shop.mails import MAILS, MemoryMailBackend, mails_page
from tests.e2e.demo import Browser, Demo

NAME = 'Ada <b>"Lovelace"</b>'
ESCAPED = "Ada &lt;b&gt;&quot;Lovelace&quot;&lt;/b&gt;"


def mails(demo: Demo, count: int) -> list[str]:
    """Wait for this number of mails, and return the parts of the page, the newest mail first."""
    deadline = time.monotonic() + 30
    while True:
        parts = Browser().get(f"{demo.address}mails/").split("<article")[1:]
        if len(parts) >= count:
            assert len(parts) == count
            return parts
        assert time.monotonic() < deadline, demo.said
        time.sleep(0.05)


def newest_code(demo: Demo, count: int) -> str:
    """Wait for this number of mails, and return the code in the plain text of the newest."""
    text = mails(demo, count)[0].partition("<pre")[2]
    return re.search(r"^\s+(\d{6,8})$", text, re.MULTILINE)[1]


def sign_up(demo: Demo, address: str) -> Browser:
    """Create an account as the first visitor of the demo."""
    browser = Browser()
    browser.get(f"{demo.address}account/sign-up/")
    browser.post("/account/sign-up/", name=NAME, username=address, terms="on")
    browser.post("/account/sign-up/", otp=newest_code(demo, 1))
    return browser


def wait_until_asked(demo: Demo, browser: Browser) -> None:
    """Open the page of an order until it asks for a code."""
    deadline = time.monotonic() + 30
    while "step-up" not in browser.url:
        assert time.monotonic() < deadline
        time.sleep(0.2)
        browser.get(f"{demo.address}order/mint/")


IMPORT = "from swap_user.otp import otp_required\n"
# The package allows no time that a test could wait for.
SHORT = "from swap_user.otp.pages.account import required\nrequired.SHORTEST = 1\n"


@pytest.fixture
def demo(folder, start) -> Demo:
    """A demo in which a code is recent for five seconds, not for a minute."""
    views = folder / "demo/shop/views.py"
    text = views.read_text()
    for old, new in {"max_age=60)": "max_age=5)", IMPORT: IMPORT + SHORT}.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    views.write_text(text)
    return start()


def test_walk_of_a_new_customer(demo):
    """Sign up, order after a step-up, log out, log in, and find the order."""
    browser = Browser()
    assert "Breakfast black" in browser.get(demo.address)
    browser.get(f"{demo.address}order/mint/")
    assert "/account/login/?next=/order/mint/" in browser.url

    sign_up_url = re.search(r'href="(/account/sign-up/\?[^"]+)"', browser.page)[1]
    browser.get(demo.address.rstrip("/") + unescape(sign_up_url))
    page = browser.post("/account/sign-up/", name=NAME, username="ada@example.com")
    assert "Please accept the terms." in page
    browser.post("/account/sign-up/", name=NAME, username="ada@example.com", terms="on")
    code = newest_code(demo, 1)
    assert f"One-time code for ada@example.com: {code} " in demo.said
    browser.post("/account/sign-up/", otp=code)
    assert browser.url == f"{demo.address}order/mint/"
    assert ESCAPED in browser.get(demo.address)

    # After some seconds, the code is no longer a recent one.
    wait_until_asked(demo, browser)
    browser.post("/account/step-up/")
    browser.post("/account/step-up/", otp=newest_code(demo, 2))
    assert browser.url == f"{demo.address}order/mint/"
    browser.post("/order/mint/place/")
    assert browser.url == f"{demo.address}orders/"
    assert "Thank you! Your order is placed." in browser.page
    assert "Garden mint" in browser.page

    assert "You are logged out" in browser.post("/account/logout/")
    browser.get(f"{demo.address}orders/")
    browser.post("/account/login/", username="ada@example.com")
    browser.post("/account/check-otp/", otp=newest_code(demo, 3))
    assert browser.url == f"{demo.address}orders/"
    assert browser.page.count("<h2>Garden mint</h2>") == 1


@pytest.mark.heavy
def test_order_needs_the_form(demo):
    """A GET places nothing, and neither does a POST that is not of the form."""
    browser = sign_up(demo, "ada@example.com")
    place = f"{demo.address}order/mint/place/"
    browser.get(place)
    assert "/place/" not in browser.url
    with pytest.raises(HTTPError, match="403"):
        browser.open(place, b"csrfmiddlewaretoken=")
    assert "not ordered anything yet" in browser.get(f"{demo.address}orders/")
    with pytest.raises(HTTPError, match="404"):
        browser.get(f"{demo.address}order/coffee/place/")


@pytest.mark.heavy
def test_customers_are_no_staff(demo):
    """A customer can't open the admin. Staff see the customer there, and their consent."""
    browser = sign_up(demo, "ada@example.com")
    browser.get(f"{demo.address}admin/")
    assert "/admin/login/" in browser.url

    staff = Browser()
    staff.get(f"{demo.address}admin/shop/customer/")
    staff.post(username="admin@example.com")
    page = staff.post(otp=newest_code(demo, 2))
    assert ESCAPED in page
    row = re.search(r'href="(/admin/shop/customer/\d+/change/)[^"]*">ada@example.com<', page)[1]
    page = staff.get(demo.address.rstrip("/") + row)
    assert re.search(r'terms_accepted_at.*?<div class="readonly">\w+\.? \d', page, re.DOTALL)


@pytest.mark.heavy
def test_mails_are_shown_as_they_look(demo):
    """The newest comes first, in a frame that runs nothing. The page is not cached."""
    sign_up(demo, "ada@example.com")
    other = Browser()
    other.get(f"{demo.address}account/login/")
    other.post("/account/login/", username="admin@example.com")
    newest, oldest = mails(demo, 2)
    assert "admin@example.com" in newest
    assert "ada@example.com" in oldest
    sandbox, html = re.search(r'<iframe sandbox="([^"]*)" srcdoc="([^"]*)"', newest).groups()
    assert not {"allow-scripts", "allow-same-origin", "allow-forms"} & set(sandbox.split())
    framed = unescape(html)
    assert framed.startswith("<!DOCTYPE html>")
    assert '<head><base target="_blank">' in framed
    assert newest_code(demo, 2) in framed

    browser = Browser()
    assert "only on this computer" in browser.get(f"{demo.address}mails/")
    assert "default-src 'none'" in browser.headers["Content-Security-Policy"]
    assert "no-store" in browser.headers["Cache-Control"]


SHOW_HOSTILE_MAIL = """
import django
django.setup()
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory
from demo.shop.mails import MAILS, Mail, mails_page
request = RequestFactory().get("/mails/")
request.user = AnonymousUser()
MAILS.append(Mail("<i>to", "<i>subject", "<i>text", "<i>html' onload='x\\"></iframe><i>"))
print(mails_page(request).content.decode())
"""


def test_markup_in_a_mail_stays_in_its_frame(folder):
    """A name or an address in a mail can't become markup of the page."""
    shown = subprocess.run(
        [sys.executable, "-c", SHOW_HOSTILE_MAIL],
        cwd=folder,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "demo.settings", "REDIS_URL": ""},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for part in ("to", "subject", "text", "html"):
        assert f"&lt;i&gt;{part}" in shown
    assert "<i>" not in shown
    assert shown.count("</iframe>") == 1


def test_mails_are_for_this_computer_only():
    """A request from another computer finds nothing, whatever the server listens on."""
    for address in ("192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"):
        with pytest.raises(Http404):
            mails_page(RequestFactory().get("/mails/", REMOTE_ADDR=address))


@pytest.mark.heavy
def test_other_hosts_are_refused(demo):
    """A page of another site can't read the mails under a host name that it controls."""
    request = Request(f"{demo.address}mails/", headers={"Host": "attacker.example"})
    with pytest.raises(HTTPError, match="400"):
        urlopen(request, timeout=20)


def test_old_mails_are_forgotten():
    """Visitors can't fill the memory of the demo."""
    MAILS.clear()
    many = [EmailMessage(f"Number {number}", "", to=["ada@example.com"]) for number in range(101)]
    assert MemoryMailBackend().send_messages(many) == 101
    subjects = [mail.subject for mail in MAILS]
    MAILS.clear()
    assert subjects == [f"Number {number}" for number in range(100, 0, -1)]


def test_languages_are_those_of_the_package(tmp_path):
    """Each catalogue that is compiled is a language of the switch. English needs none."""
    assert languages_of(tmp_path / "locale") == [("en", "English")]
    for name in ("de", "pt_BR", "zh_Hans", "ar"):
        (tmp_path / name / "LC_MESSAGES").mkdir(parents=True)
        (tmp_path / name / "LC_MESSAGES/django.mo").touch()
    (tmp_path / "fr/LC_MESSAGES").mkdir(parents=True)
    (tmp_path / "fr/LC_MESSAGES/django.po").touch()
    assert dict(languages_of(tmp_path)).keys() == {"en", "de", "pt-br", "zh-hans", "ar"}
    assert ("pt-br", "Português Brasileiro") in languages_of(tmp_path)


@pytest.mark.heavy
def test_language_switch(demo):
    """The page comes back in the chosen language, with its direction, and the mails follow."""
    browser = Browser()
    assert '<html lang="en" dir="ltr">' in browser.get(f"{demo.address}terms/")
    browser.post("/language/setlang/", language="ar")
    assert browser.url == f"{demo.address}terms/"
    assert '<html lang="ar" dir="rtl">' in browser.page
    assert "Terms of the shop" not in browser.page
    browser.get(f"{demo.address}account/login/")
    browser.post("/account/login/", username="admin@example.com")
    html = unescape(re.search(r'srcdoc="([^"]*)"', mails(demo, 1)[0])[1])
    assert 'lang="ar" dir="rtl"' in html
