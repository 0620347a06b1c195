"""Strangers who guess and who ask for codes, browsers that are known, and what is counted."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from swap_user.models import WrongGuess
from swap_user.otp import remember_browser, send_code
from swap_user.otp.verification import verifier
from swap_user.otp.visitors.known_browsers import COOKIE
from swap_user.testing import outbox
from tests.support import NOW, ask, enter, totp, username, visitor

MINUTE, HOUR, DAY = 60, 3600, 86_400


def from_(number: int) -> HttpRequest:
    """Return a request of a new browser at an address of its own."""
    return visitor(REMOTE_ADDR=f"203.{number // 250}.113.{number % 250}")


def wrong() -> str:
    """Return a short code that no app with the known secret shows around NOW."""
    shown = {totp(NOW + 30 * step) for step in range(-3, 4)}
    return next(code for code in map(str, range(100_000, 100_009)) if code not in shown)


def looked_at(**filters: Any) -> int:
    """Return how many wrong guesses count for some account: those that were compared."""
    return WrongGuess.objects.filter(user__isnull=False, **filters).count()


def guess(
    times: int, *, first: int = 1000, name: str | None = None, code: str | None = None
) -> int:
    """Try a wrong code from so many addresses; return how many were looked at."""
    before, code = looked_at(), code or wrong()
    for number in range(first, first + times):
        assert enter(from_(number), code, name) is None
    return looked_at() - before


def sent(
    times: int, *, first: int = 1000, name: str | None = None, address: str | None = None
) -> int:
    """Ask so many times, each in a new browser; return how many messages came of it."""
    before = len(outbox)
    for number in range(first, first + times):
        request = visitor(REMOTE_ADDR=address) if address else from_(number)
        assert send_code(request, name or username()) is None
    return len(outbox) - before


def log_in(request: HttpRequest, name: str | None = None, code: str | None = None) -> str:
    """Log in with this browser, and return the cookie that makes it known."""
    response = HttpResponse()
    assert enter(request, code or ask(request, name), name)
    remember_browser(request, response)
    return response.cookies[COOKIE].value


def known(cookie: str, number: int = 0) -> HttpRequest:
    """Return a new request of a known browser, in a session of its own."""
    request = from_(number)
    request.COOKIES[COOKIE] = cookie
    return request


def watch(note: Callable[[str], Any], patch: Any) -> None:
    """Note each code of an account that is compared with those that would be right."""
    original = verifier.choose

    def choose(code: str, found: Any) -> Any:
        # Where no guess is left, "------" is compared in place of the code.
        if found and code.isdigit():
            note(code)
        return original(code, found)

    patch.setattr(verifier, "choose", choose)
