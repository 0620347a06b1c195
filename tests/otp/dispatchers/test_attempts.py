"""Attempts to send: signals, retries, and the time limit."""

import logging
import re

import pytest

from swap_user import signals
from swap_user.otp import send_code
from swap_user.otp.background import lifecycle, thread_pool
from swap_user.otp.background.calls import ReceiverBusy
from swap_user.otp.delivery import retry
from swap_user.otp.store import keys
from swap_user.testing import MemoryOTPSender, outbox, wait_for_deliveries
from tests.otp.dispatchers.helpers import PLENTY, FlakySender, Told, use
from tests.support import enter, username, visitor


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
    assert lifecycle.current().abandoned == 1
    # The others' messages go out meanwhile.
    use(settings, OTP_SENDER_CLASS="swap_user.testing.MemoryOTPSender")
    send_code(visitor(), username())
    assert wait_for_deliveries(PLENTY)
    assert len(outbox) == 1


def test_a_job_that_fails_before_its_sender_is_told_too(user, told, caplog, monkeypatch):
    """A database that is down in the wrong moment, say."""
    monkeypatch.setattr("swap_user.otp.delivery.send_code_job.find_active_user", lambda name: 1 / 0)
    send_code(visitor(), username())
    assert wait_for_deliveries(PLENTY)
    assert [each[:3] for each in told] == [("failed", MemoryOTPSender, None)]
    account = keys.account_key(username())
    assert f"job failed: job=send_code account={account} error=ZeroDivision" in caplog.text


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
            raise ReceiverBusy
        return original(*args, **options)

    monkeypatch.setattr(thread_pool.ThreadPool, "limited", limited)
    send_code(visitor(), username())
    assert wait_for_deliveries(PLENTY)
    assert calls == [str(user.pk)] * 2
    assert [each[0] for each in told] == ["sent"]
