"""Where requests come from."""

from __future__ import annotations

import random
from ipaddress import IPv4Address, IPv4Network

from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.http import HttpRequest

from swap_user.otp.visitors.client_ip import neighbourhood

HOME = "203.0.113.7"
"""Where the owner's known browser is."""


def botnet(number: int, *, seed: int = 1) -> list[str]:
    """Return that many random public addresses: computers of people all over the world."""
    return _public(random.Random(seed), number)


def elsewhere(number: int, *, seed: int = 2) -> list[str]:
    """Return as many places where the owner may come with a new browser: random ones as well."""
    return _public(random.Random(seed), number)


def around(address: str, number: int, *, seed: int = 3) -> list[str]:
    """Return that many others of the neighbourhood of an address."""
    near = list(IPv4Network(neighbourhood(address)).hosts())
    found = random.Random(seed).sample(near, number + 1)
    return [str(each) for each in found if str(each) != address][:number]


def _public(rng: random.Random, number: int) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < number:
        address = IPv4Address(rng.getrandbits(32))
        if address.is_global and not address.is_multicast:
            found[str(address)] = None
    return list(found)


def request_from(
    address: str, cookies: dict[str, str] | None = None, *, session: bool = True
) -> HttpRequest:
    """Return a request from ``address``, in a new session, or without one as in an API."""
    request = HttpRequest()
    request.META = {"REMOTE_ADDR": address, "SERVER_NAME": "testserver", "SERVER_PORT": "80"}
    if session:
        request.session = SessionStore()
    request.COOKIES.update(cookies or {})
    return request
