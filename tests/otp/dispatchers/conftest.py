"""What tests of the dispatchers share."""

import time

import pytest

from swap_user import signals
from swap_user.otp.background import lifecycle
from swap_user.otp.delivery import retry
from swap_user.testing import wait_for_deliveries
from tests.otp.dispatchers.helpers import PLENTY, Told, use
from tests.support import make_user


@pytest.fixture
def threads(settings, monkeypatch):
    """Deliveries in threads, soon, and all over when the test is."""
    Told.release.clear()
    Told.began.clear()
    Told.codes.clear()
    monkeypatch.setattr(lifecycle.current(), "delays", (0.0, 0.0))
    monkeypatch.setattr(retry, "PAUSE", 0.01)
    use(settings)
    yield
    Told.release.set()
    assert wait_for_deliveries(PLENTY)
    deadline = time.monotonic() + PLENTY
    while lifecycle.current().abandoned:
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
