"""The client address of a request, for the limits per address."""

import ipaddress
import logging
from functools import lru_cache

from django.conf import settings
from django.core import mail
from django.http import HttpRequest

from swap_user.conf import swap_user_settings
from swap_user.otp import audit

# A household or a server has at least a /64 (RFC 6177 and RIPE-690), and a customer of a hosting
# provider often has a /48. Its owner can use all addresses of the network, so they count as one.
_IPV6_PREFIX = 64
_IPV6_NETWORK_PREFIX = 48

# The size of a provider's network, or of a large part of it.
_NEIGHBOURHOOD = 16
_IPV6_NEIGHBOURHOOD = 32

# What is stored of an address with a session: enough to tell the provider and the region, but not
# the household.
_SHORTENED = 24
_IPV6_SHORTENED = 48

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_warned = False


def client_address(request: HttpRequest | None) -> str | None:
    """
    Return the client address (for IPv6, its /64 network), or None if it is not known.

    By default this is the address of the connection. If OTP_CLIENT_ADDRESS_HEADER is set, it is the
    entry of that header that the outermost of the OTP_PROXIES proxies wrote. The visitor may have
    forged the entries to the left of it. If the header has no such entry, the address of the
    connection is returned.

    A private address without a configured header is probably that of a proxy, which is the same for
    all visitors, so the address is not known then. OTP_PROXIES = 0 says that there is no proxy. A
    connection through a Unix socket has no address.

    Args:
        request: the visitor's request, or None.
    """
    if request is None:
        return None
    header, number = swap_user_settings.OTP_CLIENT_ADDRESS_HEADER, swap_user_settings.OTP_PROXIES
    if header and number:
        entries = request.headers.get(header, "").split(",")
        if len(entries) >= number and (address := parse_address(entries[-number])):
            return _prefix_of(address, _IPV6_PREFIX)
    peer = parse_address(request.META.get("REMOTE_ADDR", ""))
    if peer is None or (number and not header and not peer.is_global):
        _warn()
        return None
    return _prefix_of(peer, _IPV6_PREFIX)


def network(address: str) -> str:
    """Return the network of one subscriber: the /48 for IPv6, the address itself for IPv4."""
    if ":" not in address:
        return address
    return _prefix_of(ipaddress.IPv6Address(address.partition("/")[0]), _IPV6_NETWORK_PREFIX)


def neighbourhood(address: str) -> str:
    """Return the network of the provider: the /16, or the /32 for IPv6. Return "" for ""."""
    if not address:
        return ""
    parsed = ipaddress.ip_address(address.partition("/")[0])
    prefix = _NEIGHBOURHOOD if parsed.version == 4 else _IPV6_NEIGHBOURHOOD
    return str(ipaddress.ip_network((parsed, prefix), strict=False))


def shortened(request: HttpRequest | None) -> str:
    """Return the network of the client that is stored with a session: the /24, or the /48 for IPv6.

    Args:
        request: the visitor's request, or None.

    Returns:
        The network, or "" if the client address is not known.
    """
    address = client_address(request)
    if address is None:
        return ""
    parsed = ipaddress.ip_address(address.partition("/")[0])
    prefix = _SHORTENED if parsed.version == 4 else _IPV6_SHORTENED
    return str(ipaddress.ip_network((parsed, prefix), strict=False))


@lru_cache(maxsize=4096)
def parse_address(text: str) -> IPAddress | None:
    """Return the address in ``text``, without a port or a zone, or None if it is not valid."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


@lru_cache(maxsize=4096)
def _prefix_of(address: IPAddress, prefix: int) -> str:
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, prefix), strict=False))


def _warn() -> None:
    """
    Log, once per process, that client addresses are unknown and their limits do not work.

    Nothing is logged where no visitors come from elsewhere: with DEBUG, since runserver has no
    proxy, and in tests, where the address is that of the test client. Django's test runner and
    pytest-django create ``django.core.mail.outbox`` before the first test.
    """
    global _warned
    if not (_warned or settings.DEBUG or hasattr(mail, "outbox")):
        _warned = True
        audit.record(
            logging.WARNING,
            "client addresses unknown",
            reason="requests come from a Unix socket or a private address, perhaps that of a "
            "proxy; set OTP_CLIENT_ADDRESS_HEADER, or OTP_PROXIES to 0 if there is none",
        )
