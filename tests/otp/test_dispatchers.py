"""The dispatcher: what a sender does or fails to do is behind the visitor's answer (R34)."""

import asyncio
import json
import logging
import re
import sys
import threading
import time

import django
import pytest
from django.contrib.auth import get_user_model
from django.core import checks
from django.db import transaction
from django.test import Client

from services.smtp import SMTPServer
from swap_user import signals
from swap_user.checks.dispatcher import check_dispatcher
from swap_user.otp import dispatchers, send_code
from swap_user.otp.background import registry, thread_pool
from swap_user.otp.delivery import retry
from swap_user.otp.senders import AbstractOTPSender
from swap_user.testing import MemoryOTPSender, outbox, wait_for_deliveries
from tests.support import enter, make_user, username, visitor

PLENTY = 30  # seconds, for what takes none

needs_email = pytest.mark.skipif(
    not hasattr(get_user_model(), "EMAIL_FIELD"), reason="this model has no email address"
)


class Told:
    """What the signals say, and what the senders below do."""

    release = threading.Event()
    began = threading.Event()
    failures_left = 0
    codes: list[str] = []


class LeavingSender(AbstractOTPSender):
    """Wants the whole program to end."""

    def send(self, receiver: str, otp: str, **kwargs):
        sys.exit(otp)


class RaisingSender(AbstractOTPSender):
    """Repeats the code in what it raises."""

    def send(self, receiver: str, otp: str, **kwargs):
        raise ConnectionError(f"could not\r\nsend {otp}")


class HangingSender(AbstractOTPSender):
    """Hangs until the test lets it go."""

    def send(self, receiver: str, otp: str, **kwargs):
        Told.began.set()
        Told.release.wait(PLENTY)
        MemoryOTPSender().send(receiver, otp, **kwargs)


class FlakySender(AbstractOTPSender):
    """Fails a few times."""

    def send(self, receiver: str, otp: str, **kwargs):
        Told.codes.append(otp)
        if Told.failures_left:
            Told.failures_left -= 1
            raise ConnectionError(f"busy, says {otp}")
        MemoryOTPSender().send(receiver, otp, **kwargs)


def use(settings, sender=None, dispatcher="Thread", **others):
    """Name a sender and a dispatcher in the settings."""
    settings.SWAP_USER = {
        **settings.SWAP_USER,
        "OTP_DISPATCHER": f"swap_user.otp.dispatchers.{dispatcher}Dispatcher",
        **({"OTP_SENDER_CLASS": f"{__name__}.{sender}"} if sender else {}),
        **others,
    }


@pytest.fixture
def threads(settings, monkeypatch):
    """Deliveries in threads, soon, and all over when the test is."""
    Told.release.clear()
    Told.began.clear()
    Told.codes.clear()
    monkeypatch.setattr(thread_pool.current(), "delays", (0.0, 0.0))
    monkeypatch.setattr(retry, "PAUSE", 0.01)
    use(settings)
    yield
    Told.release.set()
    assert wait_for_deliveries(PLENTY)
    deadline = time.monotonic() + PLENTY
    while thread_pool.current().abandoned:
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def user(transactional_db, threads):
    """An active user; the threads end before the database does."""
    return make_user(is_staff=True)


@pytest.fixture
def told():
    """What both signals were sent with."""
    seen = []

    def sent(sender, signal, user, **kwargs):
        seen.append(("sent", sender, user))

    def failed(sender, signal, user, error, **kwargs):
        seen.append(("failed", sender, user, error))

    signals.code_sent.connect(sent)
    signals.delivery_failed.connect(failed)
    yield seen
    signals.code_sent.disconnect(sent)
    signals.delivery_failed.disconnect(failed)


# --- What the visitor sees ---


def what_is_seen():
    """Ask for a code on the page of the admin; return all of both answers but for random parts."""
    client = Client()
    seen = []
    for response in (
        client.post("/admin/login/", {"username": username()}),
        client.get("/admin/check-otp/"),
    ):
        body = re.sub(r'(csrfmiddlewaretoken" value=")\w+', "", response.content.decode())
        cookies = {
            name: {key: value for key, value in morsel.items() if key != "expires"}
            for name, morsel in response.cookies.items()
        }
        headers = {k: v for k, v in response.items() if k not in ("Expires", "Last-Modified")}
        seen.append((response.status_code, body, headers, cookies))
    return seen


@pytest.mark.requirement("R34")
@pytest.mark.parametrize(
    "sender", ["RaisingSender", "HangingSender", "FlakySender", "LeavingSender", "Missing"]
)
def test_no_sender_changes_what_the_visitor_sees(user, settings, sender, shared_redis):
    """Status, body, headers and cookies are those of a sender that works."""
    usual = what_is_seen()
    assert wait_for_deliveries(PLENTY)
    assert len(outbox) == 1
    shared_redis.flush()
    Told.failures_left = 100
    use(settings, sender)
    assert what_is_seen() == usual
    if sender == "HangingSender":
        assert Told.began.wait(PLENTY)
        assert what_is_seen() == usual
        assert len(outbox) == 1  # both answers came before the sender was done
        Told.release.set()
        assert wait_for_deliveries(PLENTY)
        assert len(outbox) == 3


class SlowSMTPServer(SMTPServer):
    """Takes two seconds to take a mail, and longer until it may."""

    may = False

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        await asyncio.sleep(2)
        while not self.may:  # noqa: ASYNC110 - another thread says so
            await asyncio.sleep(0.01)
        return await super().handle_DATA(server, session, envelope)


@needs_email
@pytest.mark.requirement("R34")
@pytest.mark.filterwarnings("ignore:.*MAILERS")
def test_a_slow_mail_server_is_not_waited_for(user, settings):
    """The answer comes before the mail has gone, and the mail arrives."""
    use(settings, OTP_SENDER_CLASS="swap_user.otp.senders.EmailOTPSender")
    with SlowSMTPServer() as smtp:
        if django.VERSION >= (6, 1):
            backend = "django.core.mail.backends.smtp.EmailBackend"
            options = {"host": smtp.host, "port": smtp.port}
            settings.MAILERS = {"default": {"BACKEND": backend, "OPTIONS": options}}
        else:
            settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
            settings.EMAIL_HOST, settings.EMAIL_PORT = smtp.host, smtp.port
        client = Client()
        assert client.post("/admin/login/", {"username": username()}).status_code == 302
        assert not smtp.messages
        smtp.may = True
        (message,) = smtp.wait_for(1)
        assert wait_for_deliveries(PLENTY)
    text = message.get_body(["plain"]).get_content()
    code = re.search(r"\b(\d{6})\b", text)[1]
    assert client.post("/admin/check-otp/", {"otp": code}).status_code == 302
    assert client.session["_auth_user_id"] == str(user.pk)


def test_a_full_queue_is_not_the_visitors_problem(user, settings, caplog, told, monkeypatch):
    """The page is as always; the log and a signal say that a message was dropped."""
    usual = what_is_seen()
    monkeypatch.setattr(thread_pool.current(), "capacity", 0)
    assert what_is_seen() == usual
    assert "job dropped: job=send_code reason=the queue is full" in caplog.messages
    assert ("failed", MemoryOTPSender, None, "the queue is full") in told


# --- Signals, retries, the time limit ---


@pytest.mark.requirement("R34")
def test_a_code_that_went_out_is_signalled(user, told, caplog):
    """With its owner; a receiver that raises is logged and breaks nothing."""

    def raising(**kwargs):
        raise ValueError("a receiver of the project's")

    signals.code_sent.connect(raising)
    try:
        request = visitor()
        send_code(request, username())
        assert wait_for_deliveries(PLENTY)
    finally:
        signals.code_sent.disconnect(raising)
    assert told == [("sent", MemoryOTPSender, user)]
    assert "a receiver of the project's" in caplog.text
    assert enter(request, outbox[-1].otp) == user


def test_a_sender_that_fails_is_tried_again(user, settings, told, caplog):
    """With the same code; a line for each attempt, and in the end one message."""
    use(settings, "FlakySender")
    Told.failures_left = 2
    request = visitor()
    with caplog.at_level(logging.INFO):
        send_code(request, username())
        assert wait_for_deliveries(PLENTY)
    assert len(Told.codes) == 3
    assert len(set(Told.codes)) == 1
    assert told == [("sent", FlakySender, user)]
    lines = [line for line in caplog.messages if line.startswith("sending failed")]
    assert [re.search(r"attempt=(\d)", line)[1] for line in lines] == ["1", "2"]
    assert Told.codes[0] not in caplog.text
    assert enter(request, outbox[-1].otp) == user


@pytest.mark.requirement("R34")
def test_it_is_given_up_once(user, settings, told, caplog):
    """After as many attempts as the setting says; the code is in neither log nor signal."""
    use(settings, "FlakySender", OTP_SEND_ATTEMPTS=4)
    Told.failures_left = 100
    send_code(visitor(), username())
    assert wait_for_deliveries(PLENTY)
    assert len(Told.codes) == 4
    ((what, sender, owner, error),) = told
    assert (what, sender, owner) == ("failed", FlakySender, user)
    assert error.startswith("ConnectionError: busy, says ******")
    (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert record.getMessage().startswith(f"code not sent: user={user.pk} error=ConnectionError")
    assert Told.codes[0] not in caplog.text


def test_no_attempt_after_the_codes_end(user, settings, told, monkeypatch):
    """A code that counts no more is of no use to anybody."""
    monkeypatch.setattr(retry, "PAUSE", 500)
    use(settings, "FlakySender")
    Told.failures_left = 100
    send_code(visitor(), username())
    assert wait_for_deliveries(PLENTY)
    assert len(Told.codes) == 1
    assert [each[0] for each in told] == ["failed"]


@pytest.mark.requirement("R34")
def test_a_sender_that_hangs_is_left_behind(user, settings, told, caplog):
    """After its time limit; it isn't called again, since its message may still arrive."""
    use(settings, "HangingSender", OTP_SEND_TIME_LIMIT=1)
    send_code(visitor(), username())
    assert wait_for_deliveries(PLENTY)
    ((what, _, owner, error),) = told
    assert (what, owner) == ("failed", user)
    assert error.startswith("TimedOut: not done after 1 s")
    assert f"code not sent: user={user.pk} error=TimedOut" in caplog.text
    assert thread_pool.current().abandoned == 1
    # The others' messages go out meanwhile.
    use(settings, OTP_SENDER_CLASS="swap_user.testing.MemoryOTPSender")
    send_code(visitor(), username())
    assert wait_for_deliveries(PLENTY)
    assert len(outbox) == 1


def test_a_job_that_fails_before_its_sender_is_told_too(user, told, caplog, monkeypatch):
    """A database that is down in the wrong moment, say."""
    monkeypatch.setattr("swap_user.otp.delivery.send_code_job.is_enrolled", lambda user: 1 / 0)
    send_code(visitor(), username())
    assert wait_for_deliveries(PLENTY)
    assert [each[:3] for each in told] == [("failed", MemoryOTPSender, None)]
    assert "job failed: job=send_code error=ZeroDivision" in caplog.text


# --- Transactions ---


def test_it_waits_for_the_transaction(user):
    """A sign-up view under ATOMIC_REQUESTS creates the user whom the job looks for."""
    with transaction.atomic():
        make_user(2)
        send_code(visitor(), username(2))
        assert thread_pool.current().unfinished == 0
    assert wait_for_deliveries(PLENTY)
    assert [sent.receiver for sent in outbox] == [username(2)]
    with transaction.atomic():
        send_code(visitor(), username())
        transaction.set_rollback(True)
    assert wait_for_deliveries(PLENTY)
    assert len(outbox) == 1


@pytest.mark.django_db
def test_inline_it_is_in_the_same_thread_and_transaction(settings):
    """Where TestCase rolls everything back."""
    make_user()
    seen = []

    def receiver(**kwargs):
        seen.append(threading.current_thread())

    signals.code_sent.connect(receiver)
    try:
        send_code(None, username())
    finally:
        signals.code_sent.disconnect(receiver)
    assert seen == [threading.current_thread()]


# --- Task queues ---


def backend(settings, name):
    """Use one of the backends that Django (or the backport) brings along."""
    package = "django.tasks" if django.VERSION >= (6, 0) else "django_tasks"
    settings.TASKS = {"default": {"BACKEND": f"{package}.backends.{name}"}}
    use(settings, dispatcher="Task")
    from swap_user.otp.background.django_tasks import run_job

    return run_job


@pytest.mark.requirement("R30")
def test_a_queued_task_is_plain(user, settings):
    """Its name, a few values, and neither code nor secret; the worker computes the code."""
    task = backend(settings, "dummy.DummyBackend")
    request = visitor()
    send_code(request, username())
    assert not outbox
    (result,) = task.get_backend().results
    queued = json.loads(json.dumps([result.args, result.kwargs]))
    task.func(*queued[0], **queued[1])
    code = outbox[-1].otp
    assert code not in json.dumps(queued)
    assert enter(request, code) == user


def test_a_task_runs_nothing_but_our_jobs(user, settings):
    """Whoever can write to the queue can't have anything else called."""
    task = backend(settings, "dummy.DummyBackend")
    for name in (
        "os.system",
        "swap_user.otp.sessions.reset.reset",
        "swap_user.otp.delivery.send_code_job.nothing",
        "swap_user.otp.delivery.send_code_job.codes",
        "swap_user.otp",
    ):
        with pytest.raises(LookupError):
            task.func(name, ["true"], {})
    assert registry.name_of(registry.named("send_code")) == "send_code"


def test_a_task_that_fails_is_told_and_counted(user, settings, told, caplog, monkeypatch):
    """By us, and by the framework."""
    task = backend(settings, "dummy.DummyBackend")
    monkeypatch.setattr("swap_user.otp.delivery.send_code_job.is_enrolled", lambda user: 1 / 0)
    send_code(visitor(), username())
    (result,) = task.get_backend().results
    with pytest.raises(ZeroDivisionError):
        task.func(*result.args, **result.kwargs)
    assert [each[0] for each in told] == ["failed"]


def test_a_queue_that_is_down_is_not_the_visitors_problem(user, settings, told, monkeypatch):
    """The page is as always."""
    usual = what_is_seen()
    task = backend(settings, "dummy.DummyBackend")

    def down(*args, **kwargs):
        raise ConnectionError("no queue")

    monkeypatch.setattr(type(task.get_backend()), "enqueue", down)
    assert wait_for_deliveries(PLENTY)
    told.clear()
    assert what_is_seen() == usual
    assert [each[:3] for each in told] == [("failed", MemoryOTPSender, None)]
    assert "no queue" in told[0][3]


def test_the_immediate_backend_works(user, settings):
    """Django's default: the task runs within the request."""
    backend(settings, "immediate.ImmediateBackend")
    request = visitor()
    send_code(request, username())
    assert enter(request, outbox[-1].otp) == user


# --- Checks ---


class Unfinished(dispatchers.AbstractDispatcher):
    """Has no dispatch()."""


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        ("swap_user.otp.dispatchers.ThreadDispatcher", []),
        ("swap_user.otp.dispatchers.InlineDispatcher", []),
        ("swap_user.otp.dispatchers.TaskDispatcher", []),
        ("swap_user.otp.dispatchers.NoDispatcher", ["swap_user.E014"]),
        ("swap_user.otp.dispatchers.dispatch", ["swap_user.E015"]),
        ("swap_user.testing.MemoryOTPSender", ["swap_user.E015"]),
        (f"{__name__}.Unfinished", ["swap_user.E015"]),
        (7, []),  # E004 says so
    ],
)
def test_check(settings, path, ids):
    """E014 and E015, and that the check is registered."""
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_DISPATCHER": path}
    assert [message.id for message in check_dispatcher(None)] == ids
    found = {message.id for message in checks.run_checks()}
    assert found >= set(ids)


def test_check_of_the_task_queue(settings, monkeypatch):
    """E014 where there is no framework."""
    use(settings, dispatcher="Task")
    for name in ("swap_user.otp.background.django_tasks", "django.tasks", "django_tasks"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "swap_user.otp.background.django_tasks")
    (message,) = check_dispatcher(None)
    assert message.id == "swap_user.E014"
    assert "django-tasks" in message.hint


@pytest.mark.django_db
def test_in_a_test_case_it_runs_at_once(settings):
    """Its transaction is never committed, and hidden from other threads."""
    threads = "swap_user.otp.dispatchers.ThreadDispatcher"
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_DISPATCHER": threads}
    make_user()
    send_code(visitor(), username())
    assert len(outbox) == 1


@pytest.mark.parametrize(("busy", "attempts"), [(False, 3), (True, 1)])
def test_nobody_sleeps_while_others_wait(user, settings, told, monkeypatch, busy, attempts):
    """A failed message is tried again only where no other one waits for the thread."""
    use(settings, "FlakySender")
    Told.failures_left = 100
    monkeypatch.setattr(thread_pool.ThreadPool, "is_busy", busy)
    send_code(visitor(), username())
    assert wait_for_deliveries(PLENTY)
    assert len(Told.codes) == attempts
    assert [each[0] for each in told] == ["failed"]


def test_a_third_message_to_somebody_waits_for_the_first_two(user, settings, told, monkeypatch):
    """It is tried again, not given up."""
    calls = []
    original = thread_pool.ThreadPool.limited

    def limited(*args, **options):
        calls.append(options["receiver"])
        if len(calls) == 1:
            raise thread_pool.ReceiverBusy
        return original(*args, **options)

    monkeypatch.setattr(thread_pool.ThreadPool, "limited", limited)
    send_code(visitor(), username())
    assert wait_for_deliveries(PLENTY)
    assert calls == [str(user.pk)] * 2
    assert [each[0] for each in told] == ["sent"]
