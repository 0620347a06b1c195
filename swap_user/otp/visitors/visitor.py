"""What is known about a visitor before the login."""

from dataclasses import dataclass, field

from django.http import HttpRequest

from swap_user.otp.visitors import flow as flow_ids
from swap_user.otp.visitors import known_browsers
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
        next_flow: the flow of the session after an accepted step, see ``flow.renew()``.
    """

    flow: str | None = None
    address: str | None = None
    browser: Browser | None = None
    next_flow: str = field(default_factory=flow_ids.new_id)


def visitor(request: HttpRequest | None, *, begin: bool = False) -> Visitor:
    """
    Return the visitor of ``request``.

    Args:
        request: the visitor's request, or None (as in an API). All visitors without a request
            share the same limits.
        begin: whether to start a flow if the session has none.
    """
    get_flow = flow_ids.begin if begin else flow_ids.current
    return Visitor(get_flow(request), client_address(request), known_browsers.read(request))
