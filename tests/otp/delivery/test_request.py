"""Requests for a code: who is sent one, how, and what a failing sender shows."""

import json
import logging
import re

import pytest
import time_machine
from asgiref.sync import async_to_sync
from django.utils import translation

from swap_user.models import Authenticator
from swap_user.otp import asend_code, send_code
from swap_user.otp.authenticators.secrets import open_secret, sent_authenticator
from swap_user.otp.delivery import request as delivery
from swap_user.otp.delivery import retry
from swap_user.otp.senders import AbstractOTPSender
from swap_user.testing import outbox
from tests.otp.delivery.helpers import use_sender
from tests.support import NOW, ask, enter, make_user, username, visitor

pytestmark = pytest.mark.django_db


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
        "is_known": False,
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


@pytest.mark.requirement("R55")
@pytest.mark.parametrize("pause", [0, 140, 160, 290], ids="{} seconds".format)
@pytest.mark.parametrize("accepted", [0, 1], ids=["first message", "second message"])
def test_every_message_of_a_flow_counts_until_one_is_accepted(user, clock, pause, accepted):
    """A resend does not kill the code in the post; after a login neither code works again."""
    request = visitor()
    codes = [ask(request)]
    clock.shift(pause)
    codes.append(ask(request))
    assert (codes[0] == codes[1]) == (pause < 150)
    assert enter(request, codes[accepted]) == user
    for code in codes:
        assert enter(request, code) is None


@pytest.mark.requirement("R22", "R55")
def test_each_of_two_codes_expires_by_itself(user, clock):
    """The second one lives on when the first one's time is over."""
    request = visitor()
    first = ask(request)
    clock.shift(200)
    second = ask(request)
    clock.shift(101)
    assert enter(request, first) is None
    assert enter(request, second) == user


@pytest.mark.requirement("R24")
def test_another_flow_leaves_a_code_valid(user):
    """Each flow has codes of its own."""
    mine, theirs = visitor(), visitor()
    code = ask(mine)
    assert ask(theirs) != code
    assert enter(theirs, code) is None
    assert enter(mine, code) == user


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
