"""Whatever names are made up, Redis and the database stay small (R48)."""

import pytest
import redis
from django.contrib.auth import authenticate

from services.aging import age
from swap_user.models import MessageCount, WrongGuess
from swap_user.otp import send_code
from tests.simulation.report import PROPERTY
from tests.support import username, visitor

MILLION = 1_000_000
MOST = 256 * 2**20
"""Bytes that a million names may use at the peak."""

MOST_LATER = 16
"""Bytes that each of them may use two days later."""

TWO_DAYS = 2 * 86_400


@pytest.mark.heavy
@pytest.mark.requirement("R48")
@pytest.mark.django_db
@pytest.mark.usefixtures("no_log")
def test_made_up_names(user, shared_redis, record_property):
    """
    A code is requested, and a short and a long one are tried, for each name.

    Each address does so for a hundred names, as ten thousand would for a million: these are the
    limits of an hour. ``python -m benchmarks.names`` does it with a million.
    """
    names, addresses = 2000, 20
    for number in range(names):
        request = visitor(REMOTE_ADDR=f"198.51.100.{number % addresses}")
        name = username(1000 + number)
        send_code(request, name)
        for code in ("000000", "9" * 10):
            assert authenticate(request, username=name, otp=code) is None
    with redis.Redis.from_url(shared_redis.url) as client:
        found = client.keys()
        peak = sum(client.memory_usage(key) for key in found) / names
        assert peak * MILLION < MOST
        age(client, TWO_DAYS)
        later = sum(client.memory_usage(key) for key in client.scan_iter()) / names
        assert later <= MOST_LATER
    rows = WrongGuess.objects.count()
    assert rows <= 1024
    assert not WrongGuess.objects.filter(user__isnull=False).exists()
    assert not MessageCount.objects.exists()
    text = (
        f"{names:,} made-up names: {peak:.0f} bytes of Redis for each if nothing expires, "
        f"{peak * MILLION / 2**20:.0f} MiB for a million; {later:.0f} bytes two days later; "
        f"{rows:,} rows of wrong guesses"
    )
    record_property(PROPERTY, {"text": text})
