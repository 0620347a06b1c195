"""Who tries, as far as it can be told before anybody is logged in."""

from dataclasses import dataclass

from django.http import HttpRequest

from swap_user.otp.visitors import flow, known_browsers
from swap_user.otp.visitors.client_ip import client_address
from swap_user.otp.visitors.known_browsers import Browser


@dataclass(frozen=True, slots=True)
class Visitor:
    """
    One visitor.

    Args:
        flow: their session, as ``flow.current`` gives it, None for none.
        address: theirs, as ``client_address`` gives it.
        browser: what the cookie of theirs says, if they hold one.
    """

    flow: str | None = None
    address: str | None = None
    browser: Browser | None = None


def visitor(request: HttpRequest | None, *, begin: bool = False) -> Visitor:
    """
    Return who made ``request``.

    Args:
        request: None where there is none (an API): all such visitors are one stranger.
        begin: whether a session that had no flow gets one.
    """
    of = flow.begin if begin else flow.current
    return Visitor(of(request), client_address(request), known_browsers.read(request))
