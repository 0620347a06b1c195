"""Projects whose tests have no Redis server, but fakeredis."""

import pytest

from tests.testing.projects import make_project
from tests.testing.test_plugin import PASSING, TESTS, counted

fakeredis = pytest.importorskip("fakeredis")
pytest.importorskip("lupa")

OPTIONS = {
    "django.core.cache.backends.redis.RedisCache": '"connection_class": FakeRedisConnection',
    "django_redis.cache.RedisCache": (
        '"CONNECTION_POOL_KWARGS": {"connection_class": FakeRedisConnection}'
    ),
}

CLOCK = """\
import time_machine
from django.contrib.auth import authenticate


def test_its_clock_is_that_of_python(user, otp_outbox):
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        ask(3)
        ask(1)
        assert len(otp_outbox) == 3
        clock.shift(3601)
        ask(1)
        assert len(otp_outbox) == 4
        clock.shift(301)
        request = RequestFactory().get("/")
        assert authenticate(request, username="me@example.com", otp=otp_outbox[-1].otp) is None
        ask(1)
        assert authenticate(request, username="me@example.com", otp=otp_outbox[-1].otp) == user
        assert authenticate(request, username="me@example.com", otp=otp_outbox[-1].otp) is None


def test_every_class_of_codes(user, otp_outbox, otp_enroll_authenticator, settings):
    otp_enroll_authenticator(user)
    settings.SWAP_USER |= {"OTP_LIMITS": {"guesses_per_account": "1/365d"}}
    request = RequestFactory().get("/")
    assert authenticate(request, username="me@example.com", otp="000000") is None
    ask(1)
    assert len(otp_outbox[-1].otp) == 10
    assert authenticate(request, username="me@example.com", otp="0000000000") is None
    assert authenticate(request, username="me@example.com", otp=otp_outbox[-1].otp) == user
"""


@pytest.mark.heavy
@pytest.mark.parametrize("backend", OPTIONS)
def test_fakeredis(tmp_path, backend):
    """All scripts run on it, with both cache backends and without a server."""
    pytest.importorskip(backend.partition(".")[0])
    place = f'"BACKEND": "{backend}", "LOCATION": "redis://nowhere.invalid:6379"'
    project = make_project(tmp_path, f'{{{place}, "OPTIONS": {{{OPTIONS[backend]}}}}}')
    settings = tmp_path / "settings.py"
    settings.write_text("from fakeredis import FakeRedisConnection\n" + settings.read_text())
    project.write(test_it=TESTS + PASSING + CLOCK)
    assert counted(project.pytest()) == "14 passed"
