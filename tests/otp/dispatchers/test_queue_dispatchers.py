"""QueueDispatcher and run_job: what a project needs for a queue of its own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import transaction

from swap_user.otp import send_code
from swap_user.otp.dispatchers import QueueDispatcher, run_job
from swap_user.testing import MemoryOTPSender, outbox, wait_for_deliveries
from tests.otp.dispatchers.helpers import PLENTY, what_is_seen
from tests.support import configure, enter, make_user, username, visitor

queue: list[str] = []


class ListDispatcher(QueueDispatcher):
    """The queue is a list of JSON texts."""

    def enqueue(self, name: str, args: list[Any], kwargs: dict[str, Any]) -> None:
        queue.append(json.dumps([name, args, kwargs]))


class DownDispatcher(QueueDispatcher):
    """The broker is down."""

    def enqueue(self, name: str, args: list[Any], kwargs: dict[str, Any]) -> None:
        raise ConnectionError("no broker")


@pytest.fixture(autouse=True)
def _dispatcher(settings: Any) -> None:
    queue.clear()
    configure(settings, OTP_DISPATCHER=f"{__name__}.ListDispatcher")


@pytest.mark.requirement("R30")
@pytest.mark.django_db(transaction=True)
def test_a_job_is_plain_and_waits_for_the_commit() -> None:
    """It holds neither code nor secret, and is enqueued when the user is committed."""
    request = visitor()
    with transaction.atomic():
        user = make_user()
        send_code(request, username())
        assert queue == []
    (job,) = queue
    assert not outbox
    run_job(*json.loads(job))
    assert outbox[-1].otp not in job
    assert enter(request, outbox[-1].otp) == user


@pytest.mark.django_db(transaction=True)
def test_after_a_rollback_nothing_is_enqueued() -> None:
    """There is no such user then."""
    with transaction.atomic():
        make_user()
        send_code(visitor(), username())
        transaction.set_rollback(True)
    assert queue == []


@pytest.mark.requirement("R34")
@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_down(user: Any, settings: Any, told: Any) -> None:
    """The page is as always, and the job is reported as dropped."""
    usual = what_is_seen()
    assert wait_for_deliveries(PLENTY)
    configure(settings, OTP_DISPATCHER=f"{__name__}.DownDispatcher")
    told.clear()
    assert what_is_seen() == usual
    assert [each[:3] for each in told] == [("failed", MemoryOTPSender, None)]
    assert "no broker" in told[0][3]


def test_nothing_but_our_jobs() -> None:
    """Whoever can write to the queue can't have anything else called."""
    for name in ("os.system", "swap_user.otp.sessions.reset.reset_user", "run_job"):
        with pytest.raises(LookupError):
            run_job(name, ["true"], {})


@pytest.mark.django_db(transaction=True)
def test_a_job_that_fails(user: Any, told: Any, settings: Any, monkeypatch: Any) -> None:
    """It is reported by us, and the queue sees the exception."""
    configure(settings, OTP_DISPATCHER=f"{__name__}.ListDispatcher")
    monkeypatch.setattr("swap_user.otp.delivery.send_code_job.find_active_user", lambda name: 1 / 0)
    send_code(visitor(), username())
    (job,) = queue
    with pytest.raises(ZeroDivisionError):
        run_job(*json.loads(job))
    assert [each[0] for each in told] == ["failed"]
