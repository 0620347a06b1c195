"""OTPTestMixin, run by Django's test runner."""

import re

import pytest
from django.core.cache import cache
from django.test import TestCase

from swap_user.testing import OTPTestMixin
from tests.testing.projects import WITHOUT as WITHOUT_PLUGIN

BASE = """\
import unittest

from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import AsyncClient, Client, TestCase
from django.urls import reverse

from swap_user.otp import send_code
from swap_user.testing import OTPTestMixin, alog_in, outbox


def ask(client):
    return client.post(reverse("admin:login"), {"username": "me@example.com"})


class Case(OTPTestMixin, TestCase):
    def setUp(self):
        self.user = get_user_model().objects.create_superuser("me@example.com")

"""

PASSING = """\
    def test_each_can_use_up_the_limits(self):
        for client in (Client(), Client(), self.client):
            ask(client)
        self.assertEqual(len(outbox), 3)
        response = self.client.post(reverse("admin:check-otp"), {"otp": outbox[-1].otp})
        self.assertRedirects(response, reverse("admin:index"))
        cache.set("mine", cache.get("mine", 0) + 1)

    test_again = test_once_more = test_each_can_use_up_the_limits

    def test_the_cache_is_kept(self):
        self.assertNotEqual(cache.get("earlier"), None)

    async def test_asynchronous(self):
        await alog_in(self.async_client, self.user)
        response = await self.async_client.get(reverse("admin:index"))
        self.assertEqual(response.status_code, 200)

    def test_another_sender(self):
        with self.settings(SWAP_USER={"OTP_SENDER_CLASS": "swap_user.otp.senders.StdOutOTPSender"}):
            send_code(None, "me@example.com")
        self.assertEqual(outbox, [])

    @unittest.expectedFailure
    def test_expected(self):
        self.fail()

    @unittest.skip("as usual")
    def test_skipped(self):
        pass
"""

FAILING = """\
    def ask_too_often(self):
        for _ in range(5):
            ask(Client())

    def test_failure(self):
        self.ask_too_often()
        self.assertEqual(len(outbox), 5)

    def test_error(self):
        self.ask_too_often()
        outbox[3]

    def test_subtests(self):
        for number in range(2):
            with self.subTest(number=number):
                self.ask_too_often()
                self.assertEqual(number, 0)

    async def test_asynchronous(self):
        for _ in range(4):
            await ask(AsyncClient())
        self.fail()

    def test_another_reason(self):
        self.fail("no limit")
"""

TITLE = "swap_user: limits reached in this test:"
REACHED = "send limited: no message because of the limit asks_per_address"


def test_nothing_is_left_for_the_next_test(project, shared_redis):
    """The outbox and the limits begin empty; the cache of the project stays."""
    project.write(tests=BASE + PASSING)
    cache.set("earlier", 1)  # the project has the same server
    project.test("tests.Case.test_again")
    output = project.test()
    assert "Found 8 test(s)" in output  # Python 3.12.1 does not count the skipped one as run
    assert "OK (skipped=1, expected failures=1)" in output


@pytest.mark.parametrize("runner", ["django", "parallel", "pytest"])
def test_a_failure_names_the_limit(project, runner):
    """A failure, an error, one of a subtest, and not one with another reason."""
    project.write(tests=BASE + FAILING)
    if runner == "parallel":
        pytest.importorskip("tblib")  # without it, Django shows no failure of another process
    if runner == "pytest":
        output = project.pytest("-p", WITHOUT_PLUGIN, "tests.py", passes=False)
        parts = re.split(r"_+ Case\.(?=test_)", output)[1:]
    else:
        again = "\n\nclass Other(Case):\n    pass\n"  # a second process needs a second class
        project.write(tests=BASE + FAILING + again)
        output = project.test(*["--parallel=2"] * (runner == "parallel"), passes=False)
        parts = re.split(r"\n={70}\n(?:FAIL|ERROR): ", output)[1:]
    seen = {}
    for part in parts:
        name = re.match(r"test_\w+", part)[0]
        seen[name] = TITLE in part and REACHED in part
    assert seen == {
        "test_failure": True,
        "test_error": True,
        "test_subtests": True,
        "test_asynchronous": True,
        "test_another_reason": False,
    }
    assert f"{REACHED} (2 times)" in output
    assert "swap_user.testing.reset_limits()" in output


def test_the_order_of_the_bases():
    """In the other order, the mixin would do nothing."""
    with pytest.raises(TypeError, match="Tests: OTPTestMixin must stand before TestCase"):
        type("Tests", (TestCase, OTPTestMixin), {})
    assert type("Tests", (OTPTestMixin, TestCase), {}).run is OTPTestMixin.run
