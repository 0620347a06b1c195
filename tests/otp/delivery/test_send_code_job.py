"""The job that sends a code: why it may not, and what it leaves alone meanwhile."""

import logging
import threading
import time

import pytest
from django.db import connection, connections

from swap_user import signals
from swap_user.models import WrongGuess
from swap_user.otp import send_code
from swap_user.otp.background import lifecycle
from swap_user.otp.background.failures import describe
from swap_user.otp.delivery import retry
from swap_user.otp.delivery.send_code_job import CodeJob, deliver_code, render
from swap_user.otp.store import keys, scripts
from swap_user.otp.throttling import messages
from swap_user.testing import MemoryOTPSender, outbox, wait_for_deliveries
from tests.support import configure, enter, make_user, username, visitor

PLENTY = 30  # seconds, for what takes none


def order(**fields):
    """Return the arguments of a job."""
    return {
        "name": username(),
        "flow": None,
        "counter": 10**6,
        "digits": 6,
        "expires_at": time.time() + 300,
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
        ({}, "account", "WARNING send limited: account={} scope=account"),
        ({}, "receiver", "WARNING send limited: account={} scope=receiver"),
        ({}, "site", "WARNING send limited: account={} scope=site"),
    ],
)
def test_each_refusal_has_a_line(monkeypatch, caplog, fields, change, line):
    """As the table of log lines has it; nothing is sent, and nothing is issued to guess at."""
    user = make_user()
    match change:
        case "none":
            user.delete()
        case "inactive":
            type(user).objects.update(is_active=False)
        case "policy":
            monkeypatch.setattr("swap_user.otp.policies.takes_sent", lambda user, **_: False)
        case "account":
            monkeypatch.setattr(messages, "charge_account", lambda *args, **_: "")
        case "receiver" | "site":
            monkeypatch.setattr(messages, "charge_receiver", lambda *args, **_: change)
    job = order(**fields)
    with caplog.at_level(logging.INFO):
        deliver_code(**job)
    expected = line.format(keys.account_key(job["name"]), pk=user.pk)
    assert [f"{each.levelname} {each.getMessage()}" for each in caplog.records] == [expected]
    assert not outbox
    assert not pending(job["name"])


@pytest.mark.django_db
def test_a_message_shows_no_code():
    """It may stand in an error report. So long a code is found nowhere by chance."""
    message = render(CodeJob(**order(digits=10)), make_user(), digits=10, limit="")
    message.send(MemoryOTPSender())
    assert message.code() == outbox[-1].otp
    assert message.code() not in repr(message).replace(repr(message.expires_at), "")


# --- Codes ---


@pytest.mark.django_db
def test_a_job_that_runs_twice_sends_the_same_code():
    """As queues may do; the second message has the code of the first."""
    user, job = make_user(), order()
    for _ in range(2):
        deliver_code(**job)
    first, second = outbox
    assert first.otp == second.otp
    assert enter(None, first.otp) == user


@pytest.mark.django_db
def test_a_job_that_is_lost_leaves_nothing_to_guess_at(settings):
    """A challenge is issued when its message is charged, not before (trap 1)."""
    configure(settings, OTP_DISPATCHER="tests.work.RecordingDispatcher")
    make_user()
    send_code(None, username())
    assert not pending(username())


@pytest.mark.django_db
def test_the_code_has_ten_digits_when_no_short_one_would_be_compared():
    """Because strangers have spent the guesses of the account, or the request says so."""
    user = make_user()
    deliver_code(**order(digits=10))
    assert len(outbox[-1].otp) == 10
    deliver_code(**order(flow="f" * 22))
    assert len(outbox[-1].otp) == 6
    for _ in range(16):
        WrongGuess.objects.create(user=user, at=int(time.time()), units=4, is_known=False)
    deliver_code(**order(flow="g" * 22))
    assert len(outbox[-1].otp) == 10


@pytest.mark.django_db
def test_a_short_code_is_the_end_of_the_long_one():
    """A message that is sent again with more digits has the same challenge."""
    make_user()
    deliver_code(**order())
    deliver_code(**order(digits=10))
    short, long = (sent.otp for sent in outbox)
    assert long.endswith(short)
    assert (len(short), len(long)) == (6, 10)


def pending(name):
    """Return what Redis holds of the codes of an account."""
    account = keys.account_key(name)
    with scripts._reached() as client:
        return [key for key in client.keys(f"*{{{account}}}:*") if b"}:code_tries:" not in key]


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
