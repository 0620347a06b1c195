"""Requests that schemathesis makes of the description, in sequences, as its links lead."""

from __future__ import annotations

import faulthandler
import os
import sys
import time
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase
from hypothesis import settings as examples

pytest.importorskip("schemathesis")

from swap_user.otp.authenticators import recovery_codes
from swap_user.testing import outbox
from tests.api.stateful.figures import PROPERTY, Figures
from tests.api.stateful.machine import machine
from tests.support import NOW, configure, use_policy

TOTAL = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "300"))
# The most requests of a scenario, and about how many it has.
IN_A_ROW, A_SCENARIO = 30, 10


@pytest.mark.heavy
@pytest.mark.django_db
@pytest.mark.user_model("email as username", "no password")
@pytest.mark.requirement("R33")
@pytest.mark.usefixtures("no_log")
def test_schemathesis(
    settings: Any, clock: Any, shared_redis: Any, monkeypatch: Any, record_property: Any
) -> None:
    """No server error, no answer that is not described, and no operation open without a login."""
    if TOTAL > 1000:
        faulthandler.dump_traceback_later(7200, exit=True, file=sys.__stderr__)
    settings.DEBUG_PROPAGATE_EXCEPTIONS = True  # their tracebacks, instead of the status 500
    configure(settings, OTP_SIGN_UP=True)
    monkeypatch.setattr(recovery_codes, "_ITERATIONS", 1)
    # Each request would close it, although the transaction of the test is open.
    monkeypatch.setattr(connection, "close_if_unusable_or_obsolete", lambda: None)

    def begin() -> None:
        shared_redis.flush()
        outbox.clear()
        clock.skew(NOW - time.time())
        clock.ahead = 0.0

    figures = Figures()
    made = machine()
    made.figures, made.begin, made.shift = figures, begin, clock.shift
    made.choose = lambda policy: use_policy(settings, policy)
    began = time.perf_counter()
    while figures.requests < TOTAL:
        made.run(settings=_examples(TOTAL - figures.requests))
    figures.seconds = time.perf_counter() - began
    record_property(PROPERTY, list(figures.lines()))
    assert figures.logged_in > TOTAL / 4
    if TOTAL > 1000:  # a short run may begin with clients that are logged in only
        assert 200 in figures.of("log_in")


def _examples(requests: int) -> examples:
    """Return the settings for about so many requests. A short run is the same each time."""
    return examples(
        max_examples=requests // A_SCENARIO + 1,
        stateful_step_count=IN_A_ROW,
        deadline=None,
        database=None,
        derandomize=TOTAL < 1000,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
