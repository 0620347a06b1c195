"""A flood of strangers' requests does not hold up the message that a known browser asks for."""

import threading
import time
from contextlib import contextmanager, nullcontext
from dataclasses import asdict

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction

from swap_user import signals
from swap_user.otp import send_code
from swap_user.otp.background import lifecycle
from swap_user.otp.delivery.send_code_job import CodeJob, deliver_code
from swap_user.otp.dispatchers import ThreadDispatcher, dispatch
from swap_user.testing import outbox
from tests.otp.dispatchers.helpers import PLENTY, FlakySender, Told, backend, use
from tests.support import username, visitor

DUMMY = "dummy.DummyBackend"


class SlowForStrangersSender(FlakySender):
    """Hangs for all but the owner until the test is over."""

    began = threading.Semaphore(0)

    def send(self, receiver: str, otp: str, **kwargs):
        if kwargs["user"].get_username() == username():
            super().send(receiver, otp, **kwargs)
        else:
            self.began.release()
            Told.release.wait(PLENTY)


class TenantDispatcher(ThreadDispatcher):
    """Wraps each job in another one."""

    entered: list[str] = []

    def job_context(self):
        return "tenant"

    @contextmanager
    def enter_context(self, found):
        self.entered.append(found)
        yield


def code_job(browser="", number=1):
    """Return the arguments of a job, which a known browser has asked for if it is named."""
    job = CodeJob(
        name=username(number),
        flow=None,
        counter=10**6,
        digits=6,
        expires_at=time.time() + 600,
        host="",
        language=None,
        known=bool(browser),
        browser=browser,
    )
    return asdict(job)


@pytest.fixture
def flood(user, settings):
    """200 requests of strangers, for accounts of their own; those that are sent hang."""
    use(settings, OTP_SENDER_CLASS=f"{__name__}.SlowForStrangersSender", OTP_SEND_TIME_LIMIT=300)
    model = get_user_model()
    SlowForStrangersSender.began, Told.failures_left = threading.Semaphore(0), 0
    names = range(2, 202)
    model._default_manager.bulk_create(
        model(**{model.USERNAME_FIELD: username(n)}, **others(model, n)) for n in names
    )
    for number in names:
        send_code(visitor(REMOTE_ADDR=f"198.51.{number}.1"), username(number))
    for _ in range(6):
        assert SlowForStrangersSender.began.acquire(timeout=PLENTY)
    return SlowForStrangersSender


def others(model, number):
    """Return the address of a user model whose username is neither an address nor a number."""
    return {"email": f"user{number}@example.com"} if model.USERNAME_FIELD == "username" else {}


@pytest.fixture
def sent():
    """An event: a code was sent to the owner."""
    event = threading.Event()

    def receive(sender, signal, user, **kwargs):
        if user.get_username() == username():
            event.set()

    signals.code_sent.connect(receive)
    yield event
    signals.code_sent.disconnect(receive)


@pytest.mark.parametrize("dispatcher", ["swap_user.otp.dispatchers.ThreadDispatcher", "Tenant"])
def test_a_known_browser_gets_its_message_in_a_flood(flood, sent, settings, dispatcher):
    """While 200 messages to strangers hang in the sender; also if its job is wrapped."""
    if dispatcher == "Tenant":
        use(settings, OTP_DISPATCHER=f"{__name__}.TenantDispatcher")
    dispatch(deliver_code, **code_job("a1b2"))
    assert sent.wait(PLENTY)
    assert [each.kwargs["user"].get_username() for each in outbox] == [username()]
    assert not flood.began.acquire(blocking=False)
    assert lifecycle.current().unfinished >= 200


@pytest.mark.heavy
def test_its_message_is_tried_again_in_a_flood(flood, sent):
    """Its sender fails twice; other messages wait, and are not a reason to give it up."""
    Told.failures_left = 2
    dispatch(deliver_code, **code_job("a1b2"))
    assert sent.wait(PLENTY)
    assert len(Told.codes) == 3
    assert not flood.began.acquire(blocking=False)


@pytest.mark.heavy
def test_its_message_has_a_place_in_a_full_queue(flood, sent, caplog, monkeypatch):
    """A request of a stranger is refused, as always."""
    monkeypatch.setattr(lifecycle.current(), "capacity", 201)
    send_code(visitor(), username(2))
    assert "reason=the queue is full" in caplog.text
    caplog.clear()
    dispatch(deliver_code, **code_job("a1b2"))
    assert sent.wait(PLENTY)
    assert "job dropped" not in caplog.text


def test_strangers_who_ask_for_the_same_account_are_not_urgent(flood, sent):
    """Their messages wait with all others. They don't make the owner's receiver busy."""
    for _ in range(5):
        dispatch(deliver_code, **code_job())
    dispatch(deliver_code, **code_job("a1b2"))
    assert sent.wait(PLENTY)
    assert len(outbox) == 1
    assert lifecycle.current()._waiting.count(is_urgent=False) == 200 - 6 + 5


@pytest.mark.heavy
@pytest.mark.parametrize("in_transaction", [False, True])
def test_notices_are_not_urgent(flood, user, in_transaction):
    """Strangers can cause them. Nor is what sends them after a rollback."""
    with transaction.atomic() if in_transaction else nullcontext():
        signals.recovery_code_used.send(None, user=user, remaining=1)
        assert lifecycle.current()._waiting.count(is_urgent=False) == 200 - 6 + 1


# --- Task queues ---


def priorities(task):
    """Return the priorities of what is in the queue."""
    return [result.task.priority for result in task.get_backend().results]


def test_a_task_queue_gets_a_higher_priority(user, settings):
    """For the code of a known browser, and for nothing else."""
    task = backend(settings, DUMMY)
    send_code(visitor(), username())
    dispatch(deliver_code, **code_job("a1b2"))
    signals.recovery_code_used.send(None, user=user, remaining=1)
    assert priorities(task) == [0, 10, 0]
    assert len({result.task.func for result in task.get_backend().results}) == 1


def test_a_task_queue_without_priorities_gets_none(user, settings, monkeypatch, caplog):
    """It would refuse the task."""
    task = backend(settings, DUMMY)
    monkeypatch.setattr(type(task.get_backend()), "supports_priority", False)
    dispatch(deliver_code, **code_job("a1b2"))
    assert priorities(task) == [0]
    assert not caplog.messages


@pytest.mark.heavy
def test_without_a_queue_the_urgent_job_runs_in_a_thread(flood, sent, settings):
    """And is urgent there."""
    backend(settings, "immediate.ImmediateBackend")
    dispatch(deliver_code, **code_job("a1b2"))
    assert sent.wait(PLENTY)
    assert not flood.began.acquire(blocking=False)
