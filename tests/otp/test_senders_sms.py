"""SMS: the words, and the last line that binds the code to the site (R25)."""

import re

import pytest
from django.contrib.auth import get_user_model
from django.utils import translation

from swap_user.otp import send_code
from swap_user.otp.senders import AbstractSMSOTPSender, email_address
from tests.support import enter, make_user, username, visitor

texts = []


class SMSSender(AbstractSMSOTPSender):
    """What a project writes."""

    def send_text(self, receiver: str, text: str):
        texts.append((receiver, text))


@pytest.fixture(autouse=True)
def _sms(settings):
    texts.clear()
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_SENDER_CLASS": f"{__name__}.SMSSender"}


@pytest.mark.django_db
@pytest.mark.requirement("R25")
def test_the_last_line_binds_the_code_to_the_host():
    """What the login sends; and the code in it is the right one."""
    user = make_user()
    request = visitor(HTTP_HOST="shop.example:8443")
    send_code(request, username())
    ((receiver, text),) = texts
    *words, last = text.split("\n")
    host, code = re.fullmatch(r"@(\S+) #(\d{6})", last).groups()
    assert receiver == username()
    assert host == "shop.example"
    assert words[0].startswith(f"{code} is your code to log in to shop.example")
    assert "5 minutes" in words[0]
    assert enter(request, code) == user


def sms(**kwargs):
    """Return the text of an SMS with the code 123456."""
    SMSSender().send("+447400123456", "123456", **{"expires_in": 60, "site_name": "", **kwargs})
    return texts.pop()[1]


@pytest.mark.requirement("R25")
@pytest.mark.parametrize(
    ("host", "line"),
    [
        ("shop.example", "@shop.example #123456"),
        ("shop.example:443", "@shop.example #123456"),
        ("shop.example.", "@shop.example #123456"),
        ("xn--bcher-kva.example", "@xn--bcher-kva.example #123456"),
        ("bücher.example", "@xn--bcher-kva.example #123456"),
        ("localhost:8000", "@localhost #123456"),
        ("[::1]:8000", "@[::1] #123456"),
    ],
)
def test_hosts_as_the_standard_writes_them(host, line):
    """Without port and scheme, in ASCII, and nothing after the code."""
    assert sms(host=host).endswith(f"\n{line}")


@pytest.mark.requirement("R25")
@pytest.mark.parametrize("host", ["", "..", "not a host", "a\n@evil.example #1"])
def test_no_last_line_without_a_host(host):
    """A message that no browser asked for is bound to none."""
    text = sms(host=host)
    assert "@" not in text
    assert text == text.strip()
    assert "\n" not in text


def test_it_is_short_and_in_the_visitors_words():
    """One SMS of 160 characters, with a site and a host of usual length."""
    assert len(sms(site_name="Corner Shop", host="www.corner-shop.example")) <= 160
    assert sms(site_name="Tom & Jerry's").startswith("123456 is your code to log in to Tom & Jer")
    assert "1 minute." in sms()


def test_the_words_can_be_overridden(settings, tmp_path):
    """The last line stays, whatever the template says."""
    folder = tmp_path / "swap_user" / "sms"
    folder.mkdir(parents=True)
    (folder / "otp.txt").write_text("Hi,\n{{ otp }} it is\n\n")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    with translation.override("en"):
        assert sms(host="shop.example") == "Hi,\n123456 it is\n\n@shop.example #123456"


@pytest.mark.django_db
def test_owners_without_an_email_address_are_told_by_sms(mailoutbox):
    """Those with one are mailed."""
    user = make_user()
    SMSSender().notify(user, "Subject", "Something changed.\n")
    if email_address(user):
        assert [mail.body for mail in mailoutbox] == ["Something changed.\n"]
    else:
        assert texts == [(username(), "Something changed.")]
    assert get_user_model().objects.count() == 1
