"""The default dispatcher in Django's TestCase, whose transaction is never committed."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.test import TestCase

from swap_user.otp import send_code
from swap_user.testing import outbox
from tests.support import make_user, username, visitor

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _threads(settings: Any) -> None:
    threads = "swap_user.otp.dispatchers.ThreadDispatcher"
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_DISPATCHER": threads}
    make_user()


def ask() -> None:
    """Ask as a view with ATOMIC_REQUESTS does."""
    with transaction.atomic():
        send_code(visitor(), username())


def test_at_once_outside_of_a_block() -> None:
    """There is nothing to wait for."""
    with TestCase.captureOnCommitCallbacks(execute=True):
        send_code(visitor(), username())
        assert len(outbox) == 1
    assert len(outbox) == 1


def test_at_commit() -> None:
    """The callbacks that the test runs send the code, in the thread of the test."""
    with TestCase.captureOnCommitCallbacks(execute=True) as callbacks:
        ask()
        assert outbox == []
    assert [sent.receiver for sent in outbox] == [username()]
    assert len(callbacks) == 1


def test_callbacks_that_the_test_calls_itself() -> None:
    """Without execute=True nothing is sent until then."""
    with TestCase.captureOnCommitCallbacks() as callbacks:
        ask()
    assert outbox == []
    for callback in callbacks:
        callback()
    assert len(outbox) == 1


def test_a_rollback_sends_nothing() -> None:
    """As in production."""
    with TestCase.captureOnCommitCallbacks(execute=True), transaction.atomic():
        send_code(visitor(), username())
        transaction.set_rollback(True)
    assert outbox == []
