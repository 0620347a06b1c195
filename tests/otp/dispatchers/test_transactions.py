"""Jobs wait for the transaction of the request."""

import threading

import pytest
from django.db import transaction

from swap_user import signals
from swap_user.otp import generate_recovery_codes, send_code
from swap_user.otp.background import lifecycle
from swap_user.testing import outbox, wait_for_deliveries
from tests.otp.dispatchers.helpers import PLENTY
from tests.support import enter, make_user, username, visitor


def test_it_waits_for_the_transaction(user):
    """A sign-up view under ATOMIC_REQUESTS creates the user whom the job looks for."""
    with transaction.atomic():
        make_user(2)
        send_code(visitor(), username(2))
        assert lifecycle.current().unfinished == 0
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


@pytest.mark.django_db
def test_in_a_test_case_it_runs_at_once(settings):
    """Its transaction is never committed, and hidden from other threads."""
    threads = "swap_user.otp.dispatchers.ThreadDispatcher"
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_DISPATCHER": threads}
    make_user()
    send_code(visitor(), username())
    assert len(outbox) == 1


def test_a_notice_does_not_wait_for_a_commit_that_does_not_come(user, notices):
    """What a rollback does not undo is told once, whether the caller commits or rolls back."""
    code, other, *_ = generate_recovery_codes(user)
    assert wait_for_deliveries(PLENTY)
    notices.clear()
    with transaction.atomic():
        assert enter(None, code) == user
        transaction.set_rollback(True)
    assert wait_for_deliveries(PLENTY)
    assert [told for told, _ in notices] == [user]
    with transaction.atomic():
        assert enter(None, other) == user
    assert wait_for_deliveries(PLENTY)
    assert len(notices) == 2


def test_a_notice_about_a_user_of_the_same_transaction(threads, transactional_db, notices):
    """It is told once the user is committed, and not at all if that does not happen."""
    for is_committed in (False, True):
        with transaction.atomic():
            user = make_user()
            signals.recovery_code_used.send(None, user=user, remaining=3)
            assert wait_for_deliveries(PLENTY)
            assert notices == []
            transaction.set_rollback(not is_committed)
        assert wait_for_deliveries(PLENTY)
        assert len(notices) == int(is_committed)


@pytest.mark.django_db
def test_in_a_test_case_it_runs_at_the_commit_that_is_captured(
    settings, django_capture_on_commit_callbacks
):
    """A view under ATOMIC_REQUESTS, and TestCase.captureOnCommitCallbacks(execute=True)."""
    threads = "swap_user.otp.dispatchers.ThreadDispatcher"
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_DISPATCHER": threads}
    with django_capture_on_commit_callbacks(execute=True):
        with transaction.atomic():
            make_user()
            send_code(visitor(), username())
        assert not outbox
    assert len(outbox) == 1
