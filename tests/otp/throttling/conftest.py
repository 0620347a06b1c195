"""What tests of the limits share."""

import pytest

from tests.otp.throttling.helpers import watch
from tests.otp.verification.conftest import no_job_is_left  # noqa: F401 - a fixture
from tests.support import give, make_user


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
