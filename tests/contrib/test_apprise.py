"""Apprise, the real package, with a service on this machine."""

from __future__ import annotations

import json
import logging
import traceback
from importlib.util import find_spec
from typing import Any

import pytest

from swap_user.otp import send_code
from swap_user.otp.authenticators.recovery_codes import generate_recovery_codes
from swap_user.otp.masked import Masked
from tests.otp.delivery.helpers import use_sender
from tests.support import configure, enter, username, visitor

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated"),  # one of its modules
    pytest.mark.skipif(find_spec("apprise") is None, reason="apprise is not installed"),
]


@pytest.fixture
def service(plain_provider: Any, settings: Any) -> Any:
    """A web hook of Apprise; the sender of these settings uses it."""
    from swap_user.contrib.apprise import AppriseSender

    class Sender(AppriseSender):
        urls = [f"{plain_provider.url.replace('http', 'json')}/to/{{receiver}}?verify=no"]

    globals()["Sender"] = Sender
    Sender.__module__, Sender.__qualname__ = __name__, "Sender"
    use_sender(settings, Sender)
    configure(settings, OTP_ISSUER="Tom & Jerry's")
    return plain_provider


def test_a_login(user, service, caplog):
    """Title and text arrive; the receiver is a part of the URL. No log has the code."""
    request = visitor()
    with caplog.at_level(logging.DEBUG):
        send_code(request, username())
    (received,) = service.received
    message = json.loads(received.body)
    assert received.path.startswith("/to/")
    assert message["title"] == "Your code for Tom & Jerry's"
    code = message["message"][:6]
    assert message["message"].startswith(f"{code} is your code to log in to Tom & Jerry's.")
    assert enter(request, code) == user
    assert code not in caplog.text


def test_a_notice(user, service):
    """The same way."""
    generate_recovery_codes(user)
    (received,) = service.received
    message = json.loads(received.body)
    assert message["title"] == "You have new recovery codes"
    assert "recovery codes" in message["message"]


@pytest.mark.requirement("R54")
def test_a_failure(user, service, caplog):
    """It is an exception, so that another attempt or channel follows. It shows no URL, no code."""
    from swap_user.contrib.apprise import AppriseError

    service.answer = (500, {}, b"")
    sender = globals()["Sender"]()
    with caplog.at_level(logging.DEBUG), pytest.raises(AppriseError) as raised:
        sender.send(username(), Masked("918273"), user=user, expires_in=60, site_name="", host="")
    error = raised.value.with_traceback(raised.tb.tb_next)
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    assert "918273" not in "".join(shown.format()) + caplog.text
    assert "json://" not in "".join(shown.format())


@pytest.mark.parametrize("urls", [[], ["nosuchscheme://a"], ["json://localhost", ""]])
def test_urls_that_apprise_does_not_know(user, service, urls):
    """Nothing is sent to the others."""
    from swap_user.contrib.apprise import AppriseError

    sender = globals()["Sender"]
    sender.urls = urls
    with pytest.raises(AppriseError):
        sender().notify(user, "Subject", "text")


def test_the_receiver_is_quoted(user, service):
    """A username can't change the host or the options of the URL."""
    sender = globals()["Sender"]
    sender.urls = ["json://service.example/{receiver}?verify=yes"]
    sender.get_receiver = lambda self, user: "x@evil.example/a?verify=no&b#c"
    (url,) = sender().get_urls(user)
    assert url == "json://service.example/x%40evil.example%2Fa%3Fverify%3Dno%26b%23c?verify=yes"
