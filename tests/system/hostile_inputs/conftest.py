"""What tests of hostile inputs share."""

from __future__ import annotations

import faulthandler
import sys

import pytest

from swap_user.conf import limits
from swap_user.otp.authenticators import recovery_codes
from tests.support import give, make_user
from tests.system.hostile_inputs.trials import PASSWORD, TOTAL, UNREACHABLE, Tried
from tests.user_models import HAS_PASSWORD


@pytest.fixture(autouse=True)
def _open(settings, request, monkeypatch, no_log) -> None:
    """Without limits, and without a log; and with more time where there are more inputs."""
    if TOTAL > 10_000:
        faulthandler.dump_traceback_later(1800, exit=True, file=sys.__stderr__)
    monkeypatch.setattr(limits, "limit", lambda name: UNREACHABLE)
    monkeypatch.setattr(limits, "TRIES_PER_CODE", UNREACHABLE)
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_RESEND_INTERVAL": 0}
    Tried.properties, Tried.number = request.node.user_properties, 0


@pytest.fixture
def user():
    """A user with all kinds of codes who may enter the admin."""
    user = make_user(is_staff=True, is_superuser=True)
    if HAS_PASSWORD:
        user.set_password(PASSWORD)
        user.save()
    give(user)
    recovery_codes.generate_recovery_codes(user)
    return user
