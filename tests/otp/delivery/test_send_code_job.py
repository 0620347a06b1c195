"""The job that sends a code: why it may not, and what it leaves alone meanwhile."""

import logging
import threading
import time

import pytest
from django.db import connection, connections

from swap_user import signals
from swap_user.otp import send_code
from swap_user.otp.background import lifecycle
from swap_user.otp.background.failures import describe
from swap_user.otp.delivery import retry
from swap_user.otp.delivery.send_code_job import CodeJob, deliver_code, render
from swap_user.otp.store import keys
from swap_user.otp.throttling import sends
from swap_user.testing import MemoryOTPSender, outbox, wait_for_deliveries
from tests.support import make_user, username, visitor

PLENTY = 30  # seconds, for what takes none


def order(**fields):
    """Return the arguments of a job."""
    return {
        "name": username(),
        "flow": None,
        "counter": 10**6,
        "digits": 6,
        "expires_at": time.time() + 60,
        "host": "",
        "language": None,
        **fields,
    }


# --- Refusals ---


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "change", "line"),
    [
        ({"name": ""}, None, "INFO code not sent: account={} reason=no active account"),
        ({}, "none", "INFO code not sent: account={} reason=no active account"),
        ({}, "inactive", "INFO code not sent: account={} reason=no active account"),
        ({}, "policy", "INFO code not sent: user={pk} reason=the policy accepts no sent code"),
        (
            {"expires_at": 1},
            None,
            "WARNING code not sent: user={pk} reason=expired before delivery",
        ),
        ({}, "budget", "WARNING send limited: account={} scope=receiver"),
    ],
)
def test_each_refusal_has_a_line(monkeypatch, caplog, fields, change, line):
    """As the table of log lines has it; nothing is sent."""
    user = make_user()
    match change:
        case "none":
            user.delete()
        case "inactive":
            type(user).objects.update(is_active=False)
        case "policy":
            monkeypatch.setattr("swap_user.otp.policies.takes_sent", lambda user, **_: False)
        case "budget":
            monkeypatch.setattr(sends, "limit_reached", lambda receiver, **_: "receiver")
    job = order(**fields)
    with caplog.at_level(logging.INFO):
        deliver_code(**job)
    expected = line.format(keys.account_key(job["name"]), pk=user.pk)
    assert [f"{each.levelname} {each.getMessage()}" for each in caplog.records] == [expected]
    assert not outbox


@pytest.mark.django_db
def test_a_message_shows_no_code():
    """It may stand in an error report."""
    message = render(CodeJob(**order()), make_user(), now=time.time())
    assert len(message.code) == 6
    assert message.code not in repr(message).replace(repr(message.expires_at), "")


def test_an_error_is_masked():
    """Wherever the code stands in it."""
    assert describe(ValueError("123456 123456"), masked="123456") == "ValueError: ****** ******"


# --- Threads ---


class Seen:
    """What the senders below have seen."""

    connections: list = []
    release = threading.Event()
    began = threading.Event()


class LookingSender(MemoryOTPSender):
    """Notes which database connections its thread holds."""

    def send(self, receiver, otp, **kwargs):
        Seen.connections.append([c.connection for c in connections.all(initialized_only=True)])
        super().send(receiver, otp, **kwargs)

    def notify(self, user, subject, text):
        Seen.connections.append([c.connection for c in connections.all(initialized_only=True)])


class LateSender(MemoryOTPSender):
    """Returns, but late; or raises."""

    def send(self, receiver, otp, **kwargs):
        Seen.began.set()
        Seen.release.wait(PLENTY)
        super().send(receiver, otp, **kwargs)
        if receiver == username(2):
            raise ConnectionError


def use(settings, sender, dispatcher="Thread", **others):
    settings.SWAP_USER = {
        **settings.SWAP_USER,
        "OTP_DISPATCHER": f"swap_user.otp.dispatchers.{dispatcher}Dispatcher",
        "OTP_SENDER_CLASS": f"{__name__}.{sender}",
        **others,
    }


@pytest.fixture
def threads(transactional_db, monkeypatch):
    """Deliveries in threads, soon, and all over when the test is."""
    Seen.connections.clear()
    Seen.release.clear()
    Seen.began.clear()
    monkeypatch.setattr(lifecycle.current(), "delays", (0.0, 0.0))
    monkeypatch.setattr(retry, "PAUSE", 0.01)
    yield
    Seen.release.set()
    assert wait_for_deliveries(PLENTY)
    wait_for_late_calls()


def wait_for_late_calls():
    deadline = time.monotonic() + PLENTY
    while lifecycle.current().abandoned:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_no_connection_is_held_while_a_sender_talks(threads, settings):
    """A slow mail server must not use up the database's connections."""
    use(settings, "LookingSender")
    user = make_user()
    send_code(visitor(), username())
    signals.recovery_code_used.send(None, user=user, remaining=1)
    assert wait_for_deliveries(PLENTY)
    assert len(Seen.connections) == 2
    assert not any(held for each in Seen.connections for held in each)


@pytest.mark.django_db
def test_inline_the_connection_stays(settings):
    """The request goes on with it."""
    use(settings, "LookingSender", "Inline")
    make_user()
    Seen.connections.clear()
    send_code(visitor(), username())
    assert connection.connection in Seen.connections[0]


@pytest.mark.requirement("R34")
@pytest.mark.parametrize("number", [1, 2])
def test_a_late_sender_changes_nothing(threads, settings, caplog, number):
    """It has failed: no second report, no "code sent" and no further attempt."""
    use(settings, "LateSender", OTP_SEND_TIME_LIMIT=1)
    make_user(number)
    seen = []

    def sent(**kwargs):
        seen.append("sent")

    def failed(error, **kwargs):
        seen.append(error)

    signals.code_sent.connect(sent)
    signals.delivery_failed.connect(failed)
    try:
        with caplog.at_level(logging.INFO):
            send_code(visitor(), username(number))
            assert Seen.began.wait(PLENTY)
            assert wait_for_deliveries(PLENTY)
            Seen.release.set()
            wait_for_late_calls()
            assert wait_for_deliveries(PLENTY)
    finally:
        signals.code_sent.disconnect(sent)
        signals.delivery_failed.disconnect(failed)
    assert seen == ["TimedOut: not done after 1 s"]
    lines = [each.getMessage() for each in caplog.records if each.name == "swap_user.security"]
    assert len([line for line in lines if line.startswith("code not sent")]) == 1
    assert not [line for line in lines if line.startswith(("code sent", "sending failed"))]
    assert len(outbox) == 1


def test_a_job_called_by_another_dispatcher_has_its_limit(threads, settings, caplog):
    """In a thread that is not the pool's: the worker of a task queue, say."""
    use(settings, "LateSender", OTP_SEND_TIME_LIMIT=1)
    make_user()
    deliver_code(**order())
    assert "error=TimedOut: not done after 1 s" in caplog.text
    assert lifecycle.current().abandoned == 1
