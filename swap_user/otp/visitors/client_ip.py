"""Where a visitor comes from: the address that limits are counted for."""

import ipaddress
import logging
from functools import lru_cache

from django.http import HttpRequest

from swap_user.conf import swap_user_settings
from swap_user.otp import audit

# One household or server gets a whole /64 (RFC 6177 and RIPE-690), and whoever rents a server a
# /48: addresses within are free, so they are counted as one.
_IPV6_PREFIX = 64
_IPV6_NETWORK_PREFIX = 48

# What a provider has, or a large part of it.
_NEIGHBOURHOOD = 16
_IPV6_NEIGHBOURHOOD = 32

# What proxies add. Seen on a request from a private address while no header is configured, they
# say that the address is a proxy's, and stands for all visitors.
_OF_PROXIES = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP")

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_warned = False


def client_address(request: HttpRequest | None) -> str | None:
    """
    Return the visitor's address, IPv6 by its /64, or None where it can't be known.

    Believed is the peer of the connection; where OTP_CLIENT_ADDRESS_HEADER names a header, the
    entry in it that the outermost of OTP_PROXIES proxies of the site's own has written. Others
    to its left were written by the visitor.

    Args:
        request: the visitor's, None where there is none.
    """
    if request is None:
        return None
    if header := swap_user_settings.OTP_CLIENT_ADDRESS_HEADER:
        entries = request.headers.get(header, "").split(",")
        number = swap_user_settings.OTP_PROXIES
        if len(entries) >= number and (found := parse_address(entries[-number])):
            return _prefix_of(found, _IPV6_PREFIX)
    peer = parse_address(request.META.get("REMOTE_ADDR", ""))
    if peer is None:
        return None
    if not header and any(name in request.META for name in _OF_PROXIES) and not peer.is_global:
        _warn()
        return None
    return _prefix_of(peer, _IPV6_PREFIX)


def network(address: str) -> str:
    """Return the whole of what one subscriber has: for IPv6 the /48, for IPv4 the address."""
    if ":" not in address:
        return address
    return _prefix_of(ipaddress.IPv6Address(address.partition("/")[0]), _IPV6_NETWORK_PREFIX)


def neighbourhood(address: str) -> str:
    """Return the many addresses of one provider that this is among: the /16, for IPv6 the /32."""
    if not address:
        return ""
    found = ipaddress.ip_address(address.partition("/")[0])
    prefix = _NEIGHBOURHOOD if found.version == 4 else _IPV6_NEIGHBOURHOOD
    return str(ipaddress.ip_network((found, prefix), strict=False))


@lru_cache(maxsize=4096)
def parse_address(text: str) -> IPAddress | None:
    """Return the address that ``text`` holds, perhaps with a port or a zone, or None."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return mapped or found


@lru_cache(maxsize=4096)
def _prefix_of(address: IPAddress, prefix: int) -> str:
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, prefix), strict=False))


def _warn() -> None:
    """Say once a process that addresses aren't limited."""
    global _warned
    if not _warned:
        _warned = True
        audit.record(
            logging.WARNING,
            "client addresses unknown",
            reason="requests come through a proxy; set OTP_CLIENT_ADDRESS_HEADER",
        )
