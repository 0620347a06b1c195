"""The senders for the terminal and for email."""

import re

import django
import pytest
from django.core import mail

from swap_user.otp import send_code
from swap_user.otp.senders import EmailOTPSender, StdOutOTPSender
from tests.otp.delivery.helpers import use_sender
from tests.support import enter, username, visitor

pytestmark = pytest.mark.django_db


def test_the_terminal_sender_prints(user, settings, capsys):
    """Receiver, code and lifetime, on one line."""
    use_sender(settings, StdOutOTPSender)
    request = visitor()
    send_code(request, username())
    line = capsys.readouterr().out
    assert username() in line
    assert "5 min" in line
    assert enter(request, re.search(r": (\d{6}) ", line)[1]) == user


@pytest.mark.user_model("email address")
def test_the_email_is_a_proper_message(user, settings):
    """Subject, text and HTML, from the default address, to the address of the account."""
    use_sender(settings, EmailOTPSender)
    settings.DEFAULT_FROM_EMAIL = "login@shop.example"
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_ISSUER": "Tom & Jerry's\r\nShop"}
    request = visitor()
    send_code(request, username())
    (message,) = mail.outbox
    (html, kind) = message.alternatives[0]
    code = re.search(r"^ {4}(\d{6})$", message.body, re.MULTILINE)[1]
    assert message.subject == "Your code for Tom & Jerry's Shop"
    assert message.from_email == "login@shop.example"
    assert message.to == ["user1@example.com"]
    assert "5 minutes" in message.body
    assert "&amp;" not in message.body
    assert kind == "text/html"
    assert "Tom &amp; Jerry" in html
    assert code in html
    assert code not in message.subject
    assert enter(request, code) == user


@pytest.mark.user_model("email address")
def test_the_emails_words_can_be_overridden(user, settings, tmp_path):
    """A project's own template of the same name is used."""
    folder = tmp_path / "swap_user" / "email"
    folder.mkdir(parents=True)
    (folder / "otp.txt").write_text("Hi, {{ otp }} it is, for {{ minutes }} minutes.")
    use_sender(settings, EmailOTPSender)
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    send_code(visitor(), username())
    assert re.fullmatch(r"Hi, \d{6} it is, for 5 minutes\.", mail.outbox[0].body)


@pytest.mark.user_model("email address")
@pytest.mark.filterwarnings("ignore:.*MAILERS")
@pytest.mark.parametrize("way", ["EMAIL_HOST", "MAILERS"])
def test_the_email_arrives_over_smtp(user, settings, smtp_server, way):
    """A real SMTP server receives it, whichever way Django is configured."""
    use_sender(settings, EmailOTPSender)
    backend = "django.core.mail.backends.smtp.EmailBackend"
    if way == "MAILERS":
        if django.VERSION < (6, 1):
            pytest.skip("MAILERS came with Django 6.1")
        options = {"host": smtp_server.host, "port": smtp_server.port}
        settings.MAILERS = {"default": {"BACKEND": backend, "OPTIONS": options}}
    else:
        if hasattr(settings, "MAILERS"):
            del settings.MAILERS
        settings.EMAIL_BACKEND = backend
        settings.EMAIL_HOST, settings.EMAIL_PORT = smtp_server.host, smtp_server.port
    request = visitor()
    send_code(request, username())
    (message,) = smtp_server.wait_for(1)
    text = message.get_body(["plain"]).get_content()
    assert message["To"] == "user1@example.com"
    assert enter(request, re.search(r"\b(\d{6})\b", text)[1]) == user
