"""Owners whose mail is late, and who ask again before it comes (R55)."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest
from django.contrib.auth import authenticate

from swap_user.otp import send_code
from swap_user.testing import outbox
from tests.simulation.browsers import enter
from tests.simulation.clock import HOUR, Clock, clock_of
from tests.simulation.places import HOME, elsewhere, request_from
from tests.simulation.report import PROPERTY
from tests.support import configure, make_user, username

pytestmark = [pytest.mark.django_db, pytest.mark.heavy, pytest.mark.usefixtures("no_log")]

LATE_LOGINS = 5000
"""How many logins a year stage makes with each of two seeds."""


@dataclass
class LateMail:
    """
    Logins one after the other, each with up to three resends.

    Attributes:
        clock: the test's.
        rng: decides when the visitor asks again, and which of the messages is used.
        resends: how many there were.
        older: how often a message was used that was not the last one.
        failed: how many logins failed.
    """

    clock: Clock
    rng: random.Random
    resends: int = 0
    older: int = 0
    failed: int = 0
    cookies: dict[str, str] = field(default_factory=dict)

    def log_in(self, user, address: str, cookies: dict[str, str]) -> None:
        """Ask, ask again, and enter the code of any message that has not expired."""
        self.clock.wait(self.rng.uniform(5, 8) * HOUR)
        request = request_from(address, cookies)
        messages = [self._ask(request)]
        for _ in range(self.rng.randrange(4)):
            self.resends += 1
            self.clock.wait(self.rng.uniform(30, 200))
            messages.append(self._ask(request))
        alive = [each for each in messages if each[1] > self.clock.now]
        code, expires = self.rng.choice(alive)
        self.clock.move_to(self.rng.uniform(self.clock.now, expires))
        self.older += code != messages[-1][0]
        if authenticate(request, username=username(), otp=code) != user:
            self.failed += 1
            return
        cookies.update(enter(request, user))

    def _ask(self, request) -> tuple[str, float]:
        before = len(outbox)
        send_code(request, username())
        assert len(outbox) == before + 1, "no message was sent"
        # A few seconds less: for Redis, the time of the test's own work passes too.
        return outbox[-1].otp, self.clock.now + outbox[-1].kwargs["expires_in"] - 5


@pytest.mark.requirement("R55")
@pytest.mark.parametrize(
    ("number", "seed"),
    [(150, 1), *(pytest.param(LATE_LOGINS, seed, marks=pytest.mark.year) for seed in (2, 3))],
)
def test_late_mail(settings, shared_redis, record_property, number, seed):
    """Within its lifetime, the code of each message of a login is accepted."""
    configure(settings, OTP_NOTICES=[])
    user, places, known = make_user(), elsewhere(number), {}
    with clock_of(shared_redis.url) as clock:
        late = LateMail(clock, random.Random(seed))
        for login in range(number):
            if login % 2:
                late.log_in(user, HOME, known)
            else:
                late.log_in(user, places[login], {})
            outbox.clear()
    text = (
        f"{number:,} logins with {late.resends:,} resends, {late.older:,} with an older code than "
        f"the last one: {late.failed} failed"
    )
    record_property(PROPERTY, {"text": text})
    assert late.failed == 0
    assert late.older > number / 10
