"""The code request in a session: its times, and which values are valid."""

import pytest

from swap_user.otp.visitors import code_request
from swap_user.otp.visitors.code_request import SESSION_KEY, CodeRequest
from tests.support import configure

ASKED = CodeRequest("ada@example.com", sent_at=1000, expires_at=1300)


@pytest.mark.parametrize(
    ("now", "remaining"),
    [(1000, 300), (1000.5, 300), (1299, 1), (1300, 0), (2000, 0), (900, 300)],
)
def test_when_the_code_expires(now, remaining):
    """Seconds are rounded up. A clock that was set back does not add any."""
    assert ASKED.expires_in(now) == remaining


@pytest.mark.parametrize(
    ("interval", "now", "remaining"),
    [
        (30, 1000, 30),
        (30, 1010, 20),
        (30, 1030, 0),
        (30, 900, 30),  # the clock was set back
        (400, 1000, 300),  # the code expires before
    ],
)
def test_when_another_can_be_requested(settings, interval, now, remaining):
    """After the interval, or when the code has expired."""
    configure(settings, OTP_RESEND_INTERVAL=interval)
    assert ASKED.resend_in(now) == remaining


@pytest.mark.parametrize(
    ("username", "sent_at", "expires_at", "is_valid"),
    [
        ("a", 0, 1, True),
        ("a", 5, 5, True),
        ("a", 1, 1e12 - 1, True),
        ("", 0, 1, False),
        ("a", -1, 1, False),
        ("a", 2, 1, False),
        ("a", 1, 1e12, False),
    ],
)
def test_which_are_valid(username, sent_at, expires_at, is_valid):
    """A username, and times in their order."""
    session = {SESSION_KEY: {"username": username, "sent_at": sent_at, "expires_at": expires_at}}
    expected = CodeRequest(username, sent_at, expires_at) if is_valid else None
    assert code_request.load(session) == expected


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [
        (["totp", "hotp"], ("totp", "hotp")),
        (("totp",), ("totp",)),
        ([1], ("1",)),
        ("totp", ()),
        (None, ()),
        ({"totp": 1}, ()),
    ],
)
def test_which_factors_are_wanted(stored, wanted):
    """A list, whatever it holds; anything else is none."""
    session = {
        SESSION_KEY: {"username": "a", "sent_at": 0, "expires_at": 1, "wanted": stored},
    }
    assert code_request.load(session) == CodeRequest("a", 0, 1, wanted)


def test_it_is_saved_changed_and_deleted(settings):
    """It expires with its code. A second one is wanted of factors in alphabetical order."""
    configure(settings, OTP_TIMEOUT=300)
    session = {}
    code_request.save(session, "ada@example.com", now=1000)
    asked = code_request.load(session)
    assert asked == ASKED
    changed = code_request.want(session, asked, {"totp", "hotp"})
    assert changed.wanted == ("hotp", "totp")
    assert code_request.load(session) == changed
    code_request.clear(session)
    assert session == {}
    code_request.clear(session)
