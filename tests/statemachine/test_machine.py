"""No code is accepted twice, late, or for another; and each one is accepted that should be."""

from __future__ import annotations

import faulthandler
import os
import sys

import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import settings as examples
from hypothesis.stateful import run_state_machine_as_test

from swap_user.otp.authenticators import recovery_codes
from tests.simulation.clock import clock_of
from tests.statemachine.machine import Logins
from tests.support import configure

TOTAL = int(os.environ.get("STATE_MACHINE_STEPS", "1000"))
IN_A_ROW = 50
PARTS = 2


@pytest.mark.heavy
@pytest.mark.django_db(transaction=True)
@pytest.mark.user_model("email as username", "no password")
@pytest.mark.requirement("R6", "R7", "R10", "R22", "R23", "R24", "R43", "R45", "R55")
@pytest.mark.usefixtures("no_log")
@pytest.mark.parametrize("part", range(PARTS))
def test_logins(settings, redis_server, monkeypatch, record_property, part):
    """Asked, entered, late, used, cleared, rolled back, restarted, renamed or revoked."""
    # Many steps take long, and so does the search for a short example of a failure.
    faulthandler.dump_traceback_later(7200, exit=True, file=sys.__stderr__)
    # A check of a recovery code takes milliseconds otherwise.
    monkeypatch.setattr(recovery_codes, "_ITERATIONS", 1)
    configure(settings, OTP_DISPATCHER="swap_user.otp.dispatchers.ThreadDispatcher", OTP_NOTICES=[])
    Logins.server, Logins.swap_user = redis_server, settings.SWAP_USER
    Logins.steps = Logins.accepted = 0
    try:
        with clock_of(redis_server.url) as Logins.clock:
            while Logins.steps < TOTAL / PARTS:
                run_state_machine_as_test(Logins, settings=_examples(TOTAL / PARTS - Logins.steps))
    finally:
        record_property("steps", (Logins.steps, Logins.accepted))
    assert Logins.accepted > Logins.steps / 100


def _examples(steps: float) -> examples:
    """Return the settings for about so many steps."""
    return examples(
        max_examples=int(steps / IN_A_ROW) + 2,
        stateful_step_count=IN_A_ROW,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate, *[Phase.shrink] * (not os.environ.get("NOSHRINK"))],
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
