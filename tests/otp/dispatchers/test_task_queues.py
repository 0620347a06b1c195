"""The dispatcher that uses a task queue of Django."""

import json

import pytest

from swap_user.otp import send_code
from swap_user.otp.background import lifecycle, registry
from swap_user.testing import MemoryOTPSender, outbox, wait_for_deliveries
from tests.otp.dispatchers.helpers import PLENTY, backend, what_is_seen
from tests.support import enter, username, visitor


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
        "swap_user.otp.sessions.reset.reset_user",
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
    monkeypatch.setattr("swap_user.otp.delivery.send_code_job.find_active_user", lambda name: 1 / 0)
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


@pytest.mark.requirement("R33")
def test_the_immediate_backend_is_no_queue(user, settings):
    """With the default backend of Django, the message is sent in a thread, not in the request."""
    backend(settings, "immediate.ImmediateBackend")
    request = visitor()
    send_code(request, username())
    assert lifecycle.current().unfinished
    assert wait_for_deliveries(PLENTY)
    assert enter(request, outbox[-1].otp) == user
