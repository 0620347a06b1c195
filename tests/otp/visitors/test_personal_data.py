"""What is stored of a visitor: the browser and a part of the address."""

import pytest
from django.test import RequestFactory

from swap_user.otp.visitors.personal_data import browser_and_network
from tests.support import configure


def request_of(user_agent, **headers):
    """Return a request from a known address."""
    return RequestFactory().get(
        "/", HTTP_USER_AGENT=user_agent, REMOTE_ADDR="203.0.113.7", **headers
    )


@pytest.mark.parametrize(
    ("user_agent", "stored"),
    [
        ("Firefox", "Firefox"),
        ("Fire\x00fox\x00", "Firefox"),  # PostgreSQL can't store it
        ("Fire\ud800fox", "Fire?fox"),
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 200),
    ],
)
def test_the_browser_is_stored_as_text_of_the_column(user_agent, stored):
    """Whatever the visitor sends."""
    found = browser_and_network(request_of(user_agent))
    assert found == {"user_agent": stored, "network": "203.0.113.0/24"}


def test_a_visitor_without_a_user_agent():
    """Nothing is stored in its place."""
    request = RequestFactory().get("/", REMOTE_ADDR="203.0.113.7")
    assert browser_and_network(request) == {"user_agent": "", "network": "203.0.113.0/24"}


def test_nothing_is_stored_without_retention(settings):
    """OTP_SESSION_RETENTION = 0 says so."""
    configure(settings, OTP_SESSION_RETENTION=0)
    assert browser_and_network(request_of("Firefox")) == {"user_agent": "", "network": ""}
