"""What is known about a visitor before the login."""

from dataclasses import dataclass

from django.http import HttpRequest

from swap_user.otp.visitors import flow, known_browsers
from swap_user.otp.visitors.client_ip import client_address
from swap_user.otp.visitors.known_browsers import Browser


@dataclass(frozen=True, slots=True)
class Visitor:
    """
    The visitor of a request.

    Attributes:
        flow: the flow of the session, or None.
        address: the client address, see ``client_address()``, or None.
        browser: the content of the cookie of known browsers, or None.
    """

    flow: str | None = None
    address: str | None = None
    browser: Browser | None = None


def visitor(request: HttpRequest | None, *, begin: bool = False) -> Visitor:
    """
    Return the visitor of ``request``.

    Args:
        request: the visitor's request, or None (as in an API). All visitors without a request
            share the same limits.
        begin: whether to start a flow if the session has none.
    """
    get_flow = flow.begin if begin else flow.current
    return Visitor(get_flow(request), client_address(request), known_browsers.read(request))
