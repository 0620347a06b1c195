"""A forgotten AUTHENTICATION_BACKENDS is said in the log when the first code is entered."""

import logging

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.backends import BaseBackend
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse

from swap_user.otp.verification import unchecked
from swap_user.testing import outbox
from tests.support import username, visitor

pytestmark = pytest.mark.django_db

EVENT = "code not checked"
DJANGOS = "django.contrib.auth.backends.ModelBackend"


class Refusing(BaseBackend):
    """Refuses a login before other backends are asked, as django-axes does."""

    def authenticate(self, request, **credentials):
        raise PermissionDenied


@pytest.fixture(autouse=True)
def _new_process(monkeypatch, caplog):
    monkeypatch.setattr(unchecked, "_warned", False)
    caplog.set_level(logging.INFO, logger="swap_user.security")


def enter_codes(site):
    """Log in over the two pages, and enter the code twice."""
    client = Client()
    client.post(reverse(f"{site}:login"), {"username": username()})
    for _ in range(2):
        response = client.post(reverse(f"{site}:check-otp"), {"otp": outbox[-1].otp})
    return response


@pytest.mark.parametrize("site", ["admin", "swap_user"])
def test_no_backend_takes_codes(user, settings, caplog, site):
    """The page says what it says of a wrong code; the log says once what is missing."""
    settings.AUTHENTICATION_BACKENDS = [DJANGOS]
    assert "That code did not work." in enter_codes(site).text
    (line,) = [each for each in caplog.records if each.event == EVENT]
    assert line.levelno == logging.ERROR
    assert "add swap_user.backends.OTPBackend" in line.reason


@pytest.mark.parametrize(
    "backends",
    [
        ["swap_user.backends.OTPBackend"],
        [DJANGOS, "tests.test_backends.Strict"],
        [f"{__name__}.Refusing", "swap_user.backends.OTPBackend"],
    ],
    ids=["ours", "subclass", "refused before"],
)
def test_a_backend_takes_codes(user, settings, caplog, backends):
    """A code that is wrong, or was not looked at because another backend refused, is no mistake."""
    settings.AUTHENTICATION_BACKENDS = backends
    request = visitor()
    assert authenticate(request, username=username(), otp="000000") is None
    unchecked.report_unchecked(request)
    assert EVENT not in caplog.text


def test_a_backend_that_checks_as_ours_does(user, settings, caplog):
    """Once a code was checked for the request, nothing is missing, whatever the setting says."""
    request = visitor()
    assert authenticate(request, username=username(), otp="000000") is None
    settings.AUTHENTICATION_BACKENDS = [DJANGOS]
    unchecked.report_unchecked(request)
    assert EVENT not in caplog.text
