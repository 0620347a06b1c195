"""What tests of the limits share."""

import pytest

from swap_user.testing import wait_for_deliveries
from tests.otp.throttling.helpers import watch
from tests.support import give, make_user


@pytest.fixture(autouse=True)
def _no_job_is_left():
    """Wait for the jobs that store again what a test has rolled back."""
    yield
    wait_for_deliveries()


@pytest.fixture
def user(db):
    """A user with an authenticator app, so that each guess could hit."""
    user = make_user()
    give(user)
    return user


@pytest.fixture
def compared(monkeypatch):
    """Every code that was compared with those that would be right, in this process."""
    codes = []
    watch(codes.append, monkeypatch)
    return codes
