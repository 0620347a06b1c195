"""Two real workers, which are in the middle of a test at the same time."""

import pytest

# Each asks for as many codes as have room, at the same time as the other.
TESTS = """\
import os
import pathlib
import time

from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import RequestFactory, TestCase

from swap_user.otp import send_code
from swap_user.testing import OTPTestMixin, outbox, reset_limits

HERE = pathlib.Path(__file__).parent


def ask():
    send_code(RequestFactory().get("/"), "me@example.com")


class Tests(BASES):
    other = "b"
    name = "a"

    def test_both_can_use_up_the_limits(self):
        get_user_model().objects.create_user("me@example.com")
        BEGIN
        ask()
        (HERE / self.name).write_text(str(os.getpid()))
        deadline = time.monotonic() + 30
        while not (HERE / self.other).exists():
            assert time.monotonic() < deadline, "the other worker did not come"
            time.sleep(0.01)
        ask()
        ask()
        cache.set(self.name, 1)
        self.assertEqual(len(outbox), 3)
        self.assertNotEqual((HERE / self.other).read_text(), str(os.getpid()))


class OtherTests(Tests):
    other = "a"
    name = "b"
"""

SENDER = (
    'SWAP_USER |= {"OTP_SENDER_CLASS": "swap_user.testing.MemoryOTPSender", '
    '"OTP_DISPATCHER": "swap_user.otp.dispatchers.InlineDispatcher"}\n'
)


@pytest.mark.heavy
@pytest.mark.parametrize("way", ["mixin", "reset_limits", "neither"])
@pytest.mark.parametrize("runner", ["xdist", "django"])
def test_two_workers(project, way, runner):
    """They do not share limits; with Django's runner, if the mixin or reset_limits() is used."""
    bases = "OTPTestMixin, TestCase" if way == "mixin" else "TestCase"
    begin = "reset_limits()" if way == "reset_limits" else "pass"
    settings = project.folder / "settings.py"
    settings.write_text(settings.read_text() + SENDER)
    project.write(test_it=TESTS.replace("BASES", bases).replace("BEGIN", begin))
    passes = (way, runner) != ("neither", "django")
    if runner == "xdist":
        pytest.importorskip("xdist")
        output = project.pytest("-n2", passes=passes)
        assert "2 passed" in output
    else:
        pytest.importorskip("tblib")
        output = project.test("--parallel=2", passes=passes)
        assert "Ran 2 tests" in output
        assert ("AssertionError: " in output) is not passes
