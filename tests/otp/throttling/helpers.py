"""Strangers who guess and who ask for codes."""

from swap_user.otp import limited, send_code
from swap_user.testing import outbox
from tests.support import enter, username, visitor

HOUR, DAY = 3600, 86_400


def from_(number):
    """Return a request of a new browser at an address of its own."""
    return visitor(REMOTE_ADDR=f"203.{number // 250}.113.{number % 250}")


def guess(times, *, first=1000, name=None, code="000000"):
    """Try a wrong code from so many addresses; return how many were looked at."""
    looked_at = 0
    for number in range(first, first + times):
        request = from_(number)
        assert enter(request, code, name) is None
        looked_at += limited(request) is None
    return looked_at


def sent(times, *, first=1000, name=None, address=None):
    """Ask so many times, each in a new browser; return how many messages came of it."""
    before = len(outbox)
    for number in range(first, first + times):
        request = visitor(REMOTE_ADDR=address) if address else from_(number)
        assert send_code(request, name or username()) is None
    return len(outbox) - before
