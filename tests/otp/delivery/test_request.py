"""Delivery: who is sent what, what it leaves behind, and what a failing sender shows."""

import json
import logging
import re

import django
import pytest
import time_machine
from asgiref.sync import async_to_sync
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django.utils import translation
from django.views.debug import ExceptionReporter

from swap_user.models import Authenticator
from swap_user.otp import asend_code, send_code
from swap_user.otp.authenticators.secrets import open_secret, sent_authenticator
from swap_user.otp.delivery import request as delivery
from swap_user.otp.delivery import retry
from swap_user.otp.senders import AbstractOTPSender, EmailOTPSender, StdOutOTPSender
from swap_user.otp.store import scripts
from swap_user.testing import outbox
from tests import ROOT
from tests.support import NOW, ask, enter, make_user, username, visitor

pytestmark = pytest.mark.django_db


def use_sender(settings, sender):
    """Name a sender class in the settings."""
    path = f"{sender.__module__}.{sender.__qualname__}"
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_SENDER_CLASS": path}


class PushNotificationsOTPSender(AbstractOTPSender):
    """The example of the seed page."""

    pushed = []

    def send(self, receiver: str, otp: str, **kwargs):
        self.pushed.append((receiver, "Use this code", otp))


class FailingSender(AbstractOTPSender):
    """One that repeats the code in what it raises."""

    def send(self, receiver: str, otp: str, **kwargs):
        raise ConnectionError(f"could not\r\nsend {otp}")


def test_the_push_example_of_the_seed_page_works(user, settings):
    """A class with `send` alone delivers."""
    use_sender(settings, PushNotificationsOTPSender)
    request = visitor()
    send_code(request, username())
    receiver, title, code = PushNotificationsOTPSender.pushed.pop()
    assert (receiver, title) == (username(), "Use this code")
    assert enter(request, code) == user


def test_a_sender_is_told_what_it_may_need(user):
    """User, lifetime in seconds, site and host come as keywords."""
    ask(visitor(HTTP_HOST="shop.example"))
    assert outbox[-1].receiver == username()
    assert outbox[-1].kwargs == {
        "user": user,
        "expires_in": 300,
        "site_name": "shop.example",
        "host": "shop.example",
    }


def test_the_issuer_is_the_sites_name(user, settings):
    """OTP_ISSUER stands in messages in place of the host."""
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_ISSUER": "Corner Shop"}
    ask(None)
    assert outbox[-1].kwargs["site_name"] == "Corner Shop"
    assert outbox[-1].kwargs["host"] == ""


def test_asend_code_is_the_same(user):
    """The asynchronous twin sends as well, and returns None."""
    before = len(outbox)
    assert async_to_sync(asend_code)(None, username()) is None
    assert enter(None, outbox[before].otp) == user


@pytest.mark.parametrize("name", ["nobody@example.com", "", None, "\x00", "x" * 100_000, 7])
def test_nothing_is_sent_to_nobody(user, name):
    """Unknown and malformed names get None and no message."""
    before = len(outbox)
    assert send_code(visitor(), name) is None
    assert len(outbox) == before


def test_nothing_is_sent_to_the_inactive(user):
    """An inactive account gets no message, and the caller sees no difference."""
    type(user).objects.update(is_active=False)
    before = len(outbox)
    assert send_code(visitor(), username()) is None
    assert len(outbox) == before


def test_one_authenticator_for_all_sent_codes(user):
    """Created on first use, once for each user, with a secret of its own."""
    other = make_user(2)
    for _ in range(3):
        ask(visitor())
    ask(visitor(), username(2))
    mine = Authenticator.objects.get(user=user)
    hers = Authenticator.objects.get(user=other)
    assert (mine.type, mine.pk) == ("sent", Authenticator.sent_id(user.pk))
    assert open_secret(mine) != open_secret(hers)


def test_a_secret_that_cannot_be_read_is_replaced(user, settings, caplog):
    """After a SECRET_KEY was replaced without fallback, the next code works again."""
    ask(visitor())
    settings.SECRET_KEY = "another " * 8
    request = visitor()
    assert enter(request, ask(request)) == user
    assert "sent-code secret replaced" in caplog.text


def test_a_replaced_secret_key_with_fallback_changes_nothing(user, settings):
    """SECRET_KEY_FALLBACKS keep the secret readable."""
    secret = sent_authenticator(user)[1]
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another " * 8
    assert sent_authenticator(user)[1] == secret


def test_a_late_delivery_sends_nothing(user, monkeypatch):
    """A worker that comes after the code's end keeps it."""
    jobs = []
    monkeypatch.setattr(delivery, "dispatch", lambda job, *a, **k: jobs.append((job, a, k)))
    before = len(outbox)
    with time_machine.travel(NOW, tick=False) as clock:
        send_code(visitor(), username())
        assert len(outbox) == before
        clock.move_to(NOW + 300)
        job, args, kwargs = jobs.pop()
        job(*args, **kwargs)
    assert len(outbox) == before


def test_a_job_is_plain_data(user, monkeypatch):
    """What a queue would carry is JSON, and holds neither code nor secret."""
    jobs = []
    monkeypatch.setattr(delivery, "dispatch", lambda job, *a, **k: jobs.append([a, k]))
    send_code(visitor(), username())
    assert json.loads(json.dumps(jobs[0])) == [list(jobs[0][0]), jobs[0][1]]


def test_the_message_is_in_the_visitors_language(user, monkeypatch):
    """The sender runs under the language that was active in the request."""
    seen = []

    class Spy(AbstractOTPSender):
        def send(self, receiver, otp, **kwargs):
            seen.append(translation.get_language())

    monkeypatch.setattr(retry, "load_sender", Spy)
    with translation.override("de"):
        send_code(None, username())
    assert seen == ["de"]


@pytest.mark.requirement("R34")
def test_a_failing_sender_is_logged_and_shown_to_nobody(user, settings, caplog):
    """None as ever; one line in the log, with the reason and without the code."""
    use_sender(settings, FailingSender)
    with caplog.at_level(logging.DEBUG):
        assert send_code(visitor(), username()) is None
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    line = record.getMessage()
    assert "ConnectionError" in line
    assert "\n" not in line
    assert "\r" not in line
    assert not re.search(r"\d{6}", line.replace(str(user.pk), ""))


# --- Nothing at rest ---


def redis_content():
    """Return every key and value of Redis, as bytes."""
    with scripts._reached() as client:
        return b"\n".join(key + b"=" + read_whole(client, key) for key in client.keys("*"))


def read_whole(client, key):
    """Return what lies at a key of any type."""
    match client.type(key):
        case b"string":
            return client.get(key)
        case b"hash":
            return repr(client.hgetall(key)).encode()
        case b"zset":
            return repr(client.zrange(key, 0, -1, withscores=True)).encode()
        case b"list":
            return repr(client.lrange(key, 0, -1)).encode()
        case other:
            raise ValueError(other)


def database_content():
    """Return every cell of every table, as text."""
    with connection.cursor() as cursor:
        cells = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            cells += [str(row) for row in cursor.fetchall()]
    return "\n".join(cells)


@pytest.mark.requirement("R30", "R27", "R41")
def test_after_a_send_neither_code_nor_secret_is_anywhere(user, settings, caplog, capsys):
    """Redis, sessions, database, dumpdata, log and error report are searched for both."""
    with caplog.at_level(logging.DEBUG):
        request = visitor()
        # So long a code is found nowhere by chance.
        settings.SWAP_USER = {**settings.SWAP_USER, "OTP_DIGITS": 10}
        code = ask(request)
        request.session.save()
        authenticator, secret = sent_authenticator(user)
        session = Session.objects.get(session_key=request.session.session_key)
        call_command("dumpdata")
        places = {
            "redis": redis_content().decode(),
            "database": database_content(),
            "session": repr(session.get_decoded()),
            "dumpdata": capsys.readouterr().out,
            "log": caplog.text,
            "repr": repr([authenticator, authenticator.__dict__]),
        }
    assert authenticator.secret in places["database"]
    assert str(user.pk) in places["log"]
    for place, content in places.items():
        assert content, place
        assert code not in content, place
        assert secret not in content, place


@pytest.mark.requirement("R41")
def test_an_error_report_shows_neither_code_nor_secret(user, settings, monkeypatch):
    """An exception in the middle of a verification is reported without them."""
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_DIGITS": 10}
    request = visitor("/login/", HTTP_HOST="testserver")
    code = ask(request)
    secret = sent_authenticator(user)[1]
    monkeypatch.setattr("swap_user.otp.verification.consumption._CONSUME", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError) as caught:
        enter(request, code)
    trace = caught.value.__traceback__
    while trace.tb_frame.f_code.co_filename.startswith(
        f"{ROOT}/tests/"
    ):  # those frames hold it by nature
        trace = trace.tb_next
    report = ExceptionReporter(request, caught.type, caught.value, trace)
    html = report.get_traceback_html() + report.get_traceback_text()
    assert "in verify" in html
    assert code not in html
    assert secret not in html


# --- Senders ---


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
    """A real SMTP server receives it, whichever way Django is told of the server."""
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
