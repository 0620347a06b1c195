"""What is known about a visitor before the login."""

from dataclasses import dataclass, field

from django.http import HttpRequest

from swap_user.otp.store import keys
from swap_user.otp.visitors import client_ip, known_browsers
from swap_user.otp.visitors import flow as flow_ids
from swap_user.otp.visitors.known_browsers import Browser


@dataclass(frozen=True, slots=True)
class Origin:
    """
    Where a request came from, as a queue may store it: keyed hashes.

    Attributes:
        network: the hash of the network of a subscriber, or "" if the address is not known.
        neighbourhood: the hash of the network of the provider, or "".
    """

    network: str = ""
    neighbourhood: str = ""


@dataclass(frozen=True, slots=True)
class Visitor:
    """
    The visitor of a request.

    Attributes:
        flow: the flow of the session, or None.
        address: the client address, see ``client_address()``, or None.
        browser: the content of the cookie of known browsers, or None.
        next_flow: the flow of the session after an accepted step, see ``flow.renew()``.
        request: the request, or None. Only signals pass it on.
    """

    flow: str | None = None
    address: str | None = None
    browser: Browser | None = None
    next_flow: str = field(default_factory=flow_ids.new_id)
    request: HttpRequest | None = field(default=None, repr=False, compare=False)

    def known_browser(self, account_key: str) -> str:
        """Return the hash of the browser if its cookie says that the account knows it, or ""."""
        if self.browser is None or account_key not in self.browser.accounts:
            return ""
        return self.browser.hash

    @property
    def origin(self) -> Origin:
        """Where the request came from."""
        if self.address is None:
            return Origin()
        return Origin(
            network=keys.keyed_hash("address", client_ip.network(self.address)),
            neighbourhood=keys.keyed_hash("address", client_ip.neighbourhood(self.address)),
        )


def visitor(request: HttpRequest | None, *, begin: bool = False) -> Visitor:
    """
    Return the visitor of ``request``.

    Args:
        request: the visitor's request, or None (as in an API).
        begin: whether to start a flow if the session has none.
    """
    get_flow = flow_ids.begin if begin else flow_ids.current
    return Visitor(
        get_flow(request),
        client_ip.client_address(request),
        known_browsers.read(request),
        request=request,
    )
